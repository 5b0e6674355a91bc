// CAs in the proxies' nginx: client certificates, verified services, and invalid CA files.
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { aService } from '../support/builders.ts';
import { changeDates, makeCertificate, makeRevocationList } from '../support/material.ts';
import { NginxContainer } from '../support/nginx-container.ts';
import { curlAt, openssl, renderOnLoopback } from '../support/nginx-tls.ts';

/**
 * Reports the client's identity as an application reads it. Like many applications it equates underscores and dashes.
 */
const echo =
  'server { listen 127.0.0.1:9001; return 200 "[$http_x_ssl_client_verify] [$http_x_ssl_client_subject] [$http_x_ssl_client_fingerprint] [$http_x_ssl_client_cert]\\n"; }';
const speaking = (port: number, name: string) =>
  `server { listen 127.0.0.1:${port} ssl; ssl_certificate /run/secrets/${name}.crt; ssl_certificate_key /run/secrets/${name}.key; return 200 "${name} $ssl_server_name\\n"; }`;
const applications = [echo, speaking(9002, 'inside'), speaking(9003, 'stale')];

const asking = (ca: string, more = {}) => ({ ssl_cert: 'site.crt', ssl_key: 'site.key', ssl_client_ca: ca, ...more });
const verifying = (ca: string, more = {}) => ({ ssl_backend: 'true', ssl_backend_ca: ca, ...more });
const named = { ssl_backend_name: 'inside.internal' };
const services = [
  aService('required', { lb: asking('ca') }),
  aService('optional', { lb: asking('ca', { ssl_client_verify: 'optional' }) }),
  aService('elsewhere', { lb: asking('other-ca') }),
  aService('default', { lb: asking('other-ca', { default_backend: 'true', ssl_client_verify: 'optional' }) }),
  aService('asks-garbage', { lb: asking('garbage') }),
  aService('asks-broken', { lb: asking('broken', { ssl_client_verify: 'optional' }) }),
  aService('asks-missing', { lb: asking('missing') }),
  aService('revoking', { lb: asking('ca', { ssl_client_crl: 'crl' }) }),
  aService('greeting', { lb: asking('ca', { ssl_client_crl: 'crl', ssl_client_verify: 'optional' }) }),
  aService('outdated', { lb: asking('ca', { ssl_client_crl: 'old-crl' }) }),
  aService('lists-garbage', { lb: asking('ca', { ssl_client_crl: 'garbage' }) }),
  aService('lists-broken', { lb: asking('ca', { ssl_client_crl: 'broken-crl' }) }),
  aService('lists-authority', { lb: asking('ca', { ssl_client_crl: 'mixed-crl' }) }),
  aService('open', { lb: { ssl_cert: 'site.crt', ssl_key: 'site.key' } }),

  aService('unverified', { port: '9002', lb: { ssl_backend: 'true' } }),
  aService('verified', { port: '9002', lb: verifying('ca', named) }),
  aService('misnamed', { port: '9002', lb: verifying('ca') }),
  aService('untrusted', { port: '9002', lb: verifying('other-ca', named) }),
  aService('stale', { port: '9003', lb: verifying('ca', { ssl_backend_name: 'stale.internal' }) }),
  aService('trusts-garbage', { port: '9002', lb: verifying('garbage', named) }),
  aService('trusts-broken', { port: '9002', lb: verifying('broken', named) }),
  aService('trusts-missing', { port: '9002', lb: verifying('missing', named) }),
];
const files = ['ca.crt', 'other-ca.crt', 'site.crt', 'site.key', 'inside.crt', 'inside.key', 'stale.crt', 'stale.key'];
const bad = {
  garbage: 'no certificate at all\n',
  broken: '-----BEGIN CERTIFICATE-----\nbm8gY2VydGlmaWNhdGU=\n-----END CERTIFICATE-----\n',
};
const lists = ['crl', 'old-crl', 'broken-crl', 'mixed-crl'];
const secrets = [...lists, 'ca', 'other-ca', 'site.crt', 'site.key', 'garbage', 'broken', 'missing'];

let folder: string;
let nginx: NginxContainer;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'authorities-'));
  await makeCertificate(folder, 'ca', { names: ['ca'] });
  await makeCertificate(folder, 'other-ca', { names: ['other-ca'], type: 'rsa' });
  await makeCertificate(folder, 'site', { names: ['*.example.org'] });
  await makeCertificate(folder, 'alice', { names: ['alice'], issuer: 'ca' });
  await makeCertificate(folder, 'mallory', { names: ['mallory'], issuer: 'other-ca' });
  await makeCertificate(folder, 'inside', { names: ['inside.internal'], issuer: 'ca' });
  await makeCertificate(folder, 'stale', { names: ['stale.internal'], issuer: 'ca' });
  await changeDates(folder, 'stale', 'ca', new Date('2020-01-01'), new Date('2020-01-02'));
  await makeCertificate(folder, 'revoked', { names: ['revoked'], issuer: 'ca' });
  await makeRevocationList(folder, 'current', 'ca', ['revoked']);
  await makeRevocationList(folder, 'old', 'ca', [], new Date('2020-01-02'));
  nginx = await NginxContainer.start();
  const material = Object.fromEntries(files.map((name) => [name.replace('ca.crt', 'ca'), read(name)]));
  await nginx.write('/run/secrets', {
    ...{ ...material, ...bad },
    crl: read('current.crl'),
    'old-crl': read('old.crl'),
    'broken-crl': bad.broken.replaceAll('CERTIFICATE', 'X509 CRL'),
    // nginx would trust this CA as well.
    'mixed-crl': read('current.crl') + read('other-ca.crt'),
  });
  await nginx.serve(
    renderOnLoopback(services, secrets, { Config: { HTTPOptions: applications, UnderscoresInHeaders: true } }),
  );
}, 120_000);

afterAll(async () => {
  await nginx?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const read = (name: string) => readFileSync(join(folder, name), 'utf8');
const curl = (name: string, ...more: string[]) => curlAt(nginx.tlsPort, `${name}.example.org`, ...more);
const as = (who: string) => ['--cert', join(folder, `${who}.crt`), '--key', join(folder, `${who}.key`)];
const own = (who: string) => as(who).map((word) => word.replace('--', '-'));
const status = (out: string) => Number(/^HTTP\/\S+ (\d+)/.exec(out)?.[1]);

/** Identity headers that a client could forge, in all spellings that applications accept. */
const forged = ['Verify: SUCCESS', 'Subject: CN=root', 'Fingerprint: 00', 'Cert: forged'].flatMap((header) =>
  ['X-SSL-Client-', 'x_ssl_client_', 'X-SSL_Client-', 'X_Ssl-client_'].flatMap((prefix) => ['-H', prefix + header]),
);

describe('a client with a certificate', () => {
  it.each(['required', 'optional'])('is identified to the application: %s', async (host) => {
    const { fingerprint, raw } = new X509Certificate(read('alice.crt'));

    const { out } = await curl(host, ...as('alice'), ...forged);

    const [, verify, subject, digest, pem = ''] = /\[(.*)\] \[(.*)\] \[(.*)\] \[(.*)\]/.exec(out) ?? [];
    expect({ verify, subject }, out).toEqual({ verify: 'SUCCESS', subject: 'CN=alice' });
    expect(digest).toBe(fingerprint.replaceAll(':', '').toLowerCase());
    expect(new X509Certificate(decodeURIComponent(pem)).raw).toEqual(raw);
  });

  it.each(['required', 'optional'])('is rejected if another CA signed it: %s', async (host) => {
    expect(status((await curl(host, ...as('mallory'))).out)).toBe(400);
  });

  it('is rejected without one if one is required', async () => {
    expect(status((await curl('required', ...forged)).out)).toBe(403);
  });

  it.each(['optional', 'open'])('cannot forge an identity without one: %s', async (host) => {
    const { out } = await curl(host, ...forged);

    expect(status(out)).toBe(200);
    expect(out).toMatch(/\n\[\] \[\] \[\] \[\]\n$/);
  });

  it('is not asked for it on a host without a CA, and not identified there', async () => {
    expect((await curl('open', ...as('alice'))).out).toMatch(/\[\] \[\] \[\] \[\]\n$/);
  });

  it('cannot forge an identity over HTTP, and is redirected to HTTPS if a certificate is required', async () => {
    const headers = { 'x-ssl-client-verify': 'SUCCESS', x_ssl_client_subject: 'CN=root' };

    const open = await nginx.ask({ host: 'optional.example.org', headers });
    const closed = await nginx.ask({ host: 'required.example.org', headers });

    expect(open).toMatchObject({ status: 200, body: '[] [] [] []\n' });
    expect(closed).toMatchObject({ status: 301, headers: { location: 'https://required.example.org:8443/' } });
  });

  it.each`
    connectedTo                | who          | asked
    ${'optional.example.org'}  | ${'alice'}   | ${'required'}
    ${'elsewhere.example.org'} | ${'mallory'} | ${'required'}
    ${'elsewhere.example.org'} | ${'mallory'} | ${'asks-broken'}
    ${'open.example.org'}      | ${'alice'}   | ${'required'}
    ${'unknown.example.com'}   | ${'mallory'} | ${'required'}
    ${'required.example.org.'} | ${'alice'}   | ${'elsewhere'}
    ${undefined}               | ${'mallory'} | ${'required'}
  `('cannot use a connection to $connectedTo as $who for $asked', async ({ connectedTo, who, asked }) => {
    const request = `GET / HTTP/1.1\r\nHost: ${asked}.example.org\r\nConnection: close\r\n\r\n`;
    const name = connectedTo === undefined ? ['-noservername'] : ['-servername', connectedTo];

    const out = await openssl(nginx.tlsPort, request, [...name, ...own(who)]);

    expect(out).toMatch(/^HTTP\/1\.1 (421|503)/m);
  });

  it.each(['required.example.org', 'Required.Example.ORG'])(
    'is accepted whatever the spelling of the name: %s',
    async (name) => {
      const request = 'GET / HTTP/1.1\r\nHost: required.example.org\r\nConnection: close\r\n\r\n';

      const out = await openssl(nginx.tlsPort, request, ['-servername', name, ...own('alice')]);

      expect(out).toMatch(/^HTTP\/1\.1 200/m);
    },
  );

  it.each(['-tls1_2', '-tls1_3'])(
    'does not carry its identity to another host with a TLS session: %s',
    async (version) => {
      const request = (host: string) => `GET / HTTP/1.1\r\nHost: ${host}.example.org\r\nConnection: close\r\n\r\n`;
      const session = join(folder, `session${version}`);
      const at = (host: string) => ['-servername', `${host}.example.org`, version];

      const first = await openssl(nginx.tlsPort, request('elsewhere'), [
        ...at('elsewhere'),
        ...own('mallory'),
        '-sess_out',
        session,
      ]);
      const second = await openssl(nginx.tlsPort, request('required'), [...at('required'), '-sess_in', session]);

      expect(first).toMatch(/^HTTP\/1\.1 200/m);
      expect(first).toContain('[SUCCESS] [CN=mallory]');
      expect(second).toMatch(/^HTTP\/1\.1 403/m);
    },
  );
});

describe('a revocation list', () => {
  it.each`
    host          | who          | answer
    ${'revoking'} | ${'alice'}   | ${200}
    ${'revoking'} | ${'revoked'} | ${400}
    ${'revoking'} | ${'mallory'} | ${400}
    ${'greeting'} | ${'alice'}   | ${200}
    ${'greeting'} | ${'revoked'} | ${400}
    ${'required'} | ${'revoked'} | ${200}
    ${'outdated'} | ${'alice'}   | ${400}
  `('answers $answer to $who on $host', async ({ host, who, answer }) => {
    expect(status((await curl(host, ...as(who))).out)).toBe(answer);
  });

  it('lets clients in without a certificate if that is optional', async () => {
    expect(status((await curl('greeting')).out)).toBe(200);
    expect(status((await curl('revoking')).out)).toBe(403);
  });

  it.each(['garbage', 'broken', 'authority'])('closes only its own host if it is invalid: %s', async (kind) => {
    expect(status((await curl(`lists-${kind}`, ...as('alice'))).out)).toBe(503);
    expect(status((await curl(`lists-${kind}`, ...as('mallory'))).out)).toBe(400);
  });

  it.each(['-tls1_2', '-tls1_3'])('applies to a TLS session begun without it: %s', async (version) => {
    const request = (host: string) => `GET / HTTP/1.1\r\nHost: ${host}.example.org\r\nConnection: close\r\n\r\n`;
    const session = join(folder, `revoked${version}`);
    const at = (host: string) => ['-servername', `${host}.example.org`, version];

    const first = await openssl(nginx.tlsPort, request('required'), [
      ...at('required'),
      ...own('revoked'),
      '-sess_out',
      session,
    ]);
    const second = await openssl(nginx.tlsPort, request('revoking'), [...at('revoking'), '-sess_in', session]);

    expect(first).toMatch(/^HTTP\/1\.1 200/m);
    expect(second).toMatch(/^HTTP\/1\.1 (403|421)/m);
  });
});

describe('a verified service', () => {
  // The same tasks: an unverified connection must not be reused for a verified route.
  it.each`
    host            | because                             | answer
    ${'unverified'} | ${'nobody looks'}                   | ${200}
    ${'verified'}   | ${'CA and name are right'}          | ${200}
    ${'misnamed'}   | ${'the name is another'}            | ${502}
    ${'untrusted'}  | ${'another CA signed it'}           | ${502}
    ${'stale'}      | ${'its certificate is out of date'} | ${502}
    ${'unverified'} | ${'nobody looks, still'}            | ${200}
  `('answers $answer as $host: $because', async ({ host, answer }) => {
    for (let times = 0; times < 3; times++)
      expect((await nginx.ask({ host: `${host}.example.org` })).status).toBe(answer);
  });

  it('receives the name in the label as its server name', async () => {
    expect((await nginx.ask({ host: 'verified.example.org' })).body).toBe('inside inside.internal\n');
  });
});

describe('an invalid CA', () => {
  it.each(['garbage', 'broken', 'missing'])('closes only its own host and route: %s', async (kind) => {
    expect((await nginx.ask({ host: `trusts-${kind}.example.org` })).status).toBe(503);
    expect(status((await curl(`asks-${kind}`, ...as('alice'))).out)).toBe(503);
  });
});
