// TLS in the proxies' nginx: certificates by name, invalid material that affects only its host, and TLS passthrough.
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SwarmService } from '../../src/model/snapshot.ts';
import { aService } from '../support/builders.ts';
import { makeCertificate } from '../support/material.ts';
import { NginxContainer } from '../support/nginx-container.ts';
import { curlAt, openssl, renderOnLoopback } from '../support/nginx-tls.ts';

const run = promisify(execFile);
/** Applications within nginx itself: one over HTTP, one that terminates TLS, and one that requires a PROXY header. */
const echo = 'server { listen 127.0.0.1:9001; return 200 "$http_x_forwarded_proto $http_x_real_ip $http_host\\n"; }';
const own = (listener: string, name: string) =>
  `server { listen ${listener}; ssl_certificate /run/secrets/own.pem; ssl_certificate_key /run/secrets/own.pem; return 200 "${name} $proxy_protocol_addr\\n"; }`;
const applications = [echo, own('127.0.0.1:9002 ssl', 'own'), own('127.0.0.1:9003 ssl proxy_protocol', 'told')];

const services = [
  aService('ec', { lb: { ssl_cert: 'ec.crt', ssl_key: 'ec.key', hsts: 'true' } }),
  aService('rsa', { host: 'rsa.example.org,*.rsa.example.org', lb: { ssl_cert: 'rsa.pem', ssl_only: 'true' } }),
  aService('missing', { lb: { ssl_cert: 'missing' } }),
  aService('garbage', { lb: { ssl_cert: 'garbage' } }),
  aService('mismatch', { lb: { ssl_cert: 'ec.crt', ssl_key: 'rsa.pem' } }),
  aService('encrypted', { lb: { ssl_cert: 'encrypted' } }),
  aService('closed', { host: 'closed.rsa.example.org', lb: { ssl_cert: 'never-created' } }),
  aService('moved', { lb: { ssl_cert: 'rsa.pem', redirects: 'https://moved.example.org,https://ec.example.org' } }),
  aService('plain'),
  aService('shut', { host: 'shut.rsa.example.org', lb: { ssl_cert: 'rsa.pem', hsts: 'true', maintenance: 'true' } }),
  aService('let', {
    host: 'let.rsa.example.org',
    lb: {
      ssl_cert: 'rsa.pem',
      maintenance: 'true',
      maintenance_allow: '10.0.0.0/8,127.0.0.0/8,172.16.0.0/12,192.168.0.0/16',
    },
  }),
];
const handedOn = [
  aService('own', { port: '9002', lb: { ssl_passthrough: 'true' } }),
  aService('told', { port: '9003', lb: { ssl_passthrough: 'true', ssl_passthrough_proxy_protocol: 'true' } }),
  aService('sealed', { port: '9002', lb: { ssl_passthrough: 'true', maintenance: 'true' } }),
  aService('only', { port: '9002', lb: { ssl_passthrough: 'true', ssl_only: 'true' } }),
];
const secrets = ['ec.crt', 'ec.key', 'rsa.pem', 'missing', 'garbage', 'encrypted'];

function configure(passthrough: boolean, more = {}, others: readonly SwarmService[] = []): string {
  const all = [...services, ...(passthrough ? handedOn : []), ...others];
  return renderOnLoopback(all, secrets, { Config: { HTTPOptions: applications }, ...more });
}

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tls-'));
  await makeCertificate(folder, 'ec', { names: ['ec.example.org'] });
  await makeCertificate(folder, 'rsa', { names: ['rsa.example.org', '*.rsa.example.org'], type: 'rsa' });
  await makeCertificate(folder, 'own', { names: ['own.example.org'] });
  await run('openssl', [
    'ec',
    '-in',
    join(folder, 'ec.key'),
    '-aes256',
    '-passout',
    'pass:x',
    '-out',
    join(folder, 'encrypted'),
  ]);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const read = (name: string) => readFileSync(join(folder, name), 'utf8');

async function start(configuration: string): Promise<NginxContainer> {
  const nginx = await NginxContainer.start();
  await nginx.write('/run/secrets', {
    'ec.crt': read('ec.crt'),
    'ec.key': read('ec.key'),
    'rsa.pem': read('rsa.key') + read('rsa.crt'),
    'own.pem': read('own.crt') + read('own.key'),
    garbage: 'no certificate at all\n',
    encrypted: read('ec.crt') + read('encrypted'),
  });
  await nginx.serve(configuration);
  return nginx;
}

describe.each([
  ['alone', false],
  ['beside hosts with TLS passthrough', true],
])('TLS terminated by the proxies, %s', (_, passthrough) => {
  let nginx: NginxContainer;
  beforeAll(async () => {
    nginx = await start(configure(passthrough));
    return () => nginx[Symbol.asyncDispose]();
  });

  const curl = (host: string, ...more: string[]) => curlAt(nginx.tlsPort, host, ...more);

  it.each`
    host                   | name
    ${'ec.example.org'}    | ${'ec.example.org'}
    ${'rsa.example.org'}   | ${'rsa.example.org'}
    ${'a.rsa.example.org'} | ${'rsa.example.org'}
  `('uses the certificate of $host, and informs the application', async ({ host, name }) => {
    const { code, out, verbose } = await curl(host);

    expect(code, verbose).toBe(0);
    expect(verbose).toContain(`CN=${name}`);
    expect(out).toMatch(new RegExp(`^HTTP/2 200 [^]*https [0-9a-f.:]+ ${host}:`));
    // The client's address, not that of the socket between stream and http.
    expect(out).not.toContain('unix:');
  });

  it('shows the maintenance page, and allows clients of the list by their own address', async () => {
    const { out } = await curl('shut.rsa.example.org');

    expect(out).toMatch(/^HTTP\/2 503 .*retry-after: 60.*strict-transport-security: .*503 Under Maintenance/s);
    expect((await curl('let.rsa.example.org')).out).toMatch(/^HTTP\/2 200 /);
  });

  it.each(['missing', 'garbage', 'mismatch', 'encrypted', 'closed.rsa', 'plain', 'nobody'])(
    'fails only the handshake of %s',
    async (name) => {
      expect((await curl(`${name}.example.org`)).code).toBe(35);
      expect((await curl('ec.example.org')).code).toBe(0);
    },
  );

  it('answers 503 over HTTP if the secret is missing', async () => {
    expect((await nginx.ask({ host: 'closed.rsa.example.org' })).status).toBe(503);
  });

  it('fails the handshake of a client that sends no server name', async () => {
    const { stdout } = await run('sh', [
      '-c',
      `openssl s_client -connect 127.0.0.1:${nginx.tlsPort} -noservername </dev/null 2>&1 || true`,
    ]);
    expect(stdout).toContain('no peer certificate available');
  });

  it('does not answer for other hosts on a connection that began with one', async () => {
    const { out } = await curl('ec.example.org', '-H', 'Host: nobody.example.org');
    expect(out).toMatch(/^HTTP\/2 421/);
  });

  it('sends the HSTS header over TLS only, also with errors', async () => {
    expect((await curl('ec.example.org')).out).toContain('strict-transport-security: max-age=31536000\r\n');
    expect((await curl('rsa.example.org')).out).not.toContain('strict-transport');
    expect((await nginx.ask({ host: 'ec.example.org' })).headers).not.toHaveProperty('strict-transport-security');
  });

  it('does not reveal over HTTP which hosts exist on TLS', async () => {
    expect((await nginx.ask({ host: 'rsa.example.org', path: '/a?b' })).headers.location).toBe(
      'https://rsa.example.org:8443/a?b',
    );
    expect((await curl('rsa.example.org')).out).toMatch(/^HTTP\/2 200/);
  });

  it('redirects over TLS if the source says so', async () => {
    expect((await curl('moved.example.org')).out).toContain('location: https://ec.example.org/\r\n');
  });

  it.each(['ec', 'rsa'])('accepts modern TLS only, whatever a client offers: %s', async (type) => {
    const host = `${type}.example.org`;
    const at = (...options: string[]) => agrees(nginx.tlsPort, host, options);

    for (const version of ['-tls1', '-tls1_1']) expect(await at(version, '-cipher', 'ALL:@SECLEVEL=0')).toBe(false);
    expect(await at('-tls1_3')).toBe(true);
    const modern = ['AES128-GCM-SHA256', 'AES256-GCM-SHA384', 'CHACHA20-POLY1305'].map(
      (cipher) => `ECDHE-${type === 'ec' ? 'ECDSA' : 'RSA'}-${cipher}`,
    );
    for (const cipher of modern) expect(await at('-tls1_2', '-cipher', cipher), cipher).toBe(true);
    // All other ciphers that this machine's openssl supports, in one offer: the server could choose any.
    const others = ['ALL', 'COMPLEMENTOFALL', ...modern.map((cipher) => `!${cipher}`), '@SECLEVEL=0'].join(':');
    expect(await at('-tls1_2', '-cipher', others)).toBe(false);
  });

  it('resumes sessions', async () => {
    const session = join(folder, `session-${passthrough}`);
    const ask = (flag: string) =>
      run('sh', [
        '-c',
        `printf 'GET / HTTP/1.0\\r\\nHost: rsa.example.org\\r\\n\\r\\n' | openssl s_client -connect 127.0.0.1:${nginx.tlsPort} -servername rsa.example.org -tls1_2 ${flag} ${session} -ign_eof 2>&1 || true`,
      ]);
    await ask('-sess_out');
    expect((await ask('-sess_in')).stdout).toContain('Reused, TLSv1.2');
  });
});

describe('a host with TLS passthrough', () => {
  let nginx: NginxContainer;
  beforeAll(async () => {
    nginx = await start(configure(true));
    return () => nginx[Symbol.asyncDispose]();
  });

  it('gets the certificate of the application, which receives no PROXY header', async () => {
    const { out, verbose } = await curlAt(nginx.tlsPort, 'own.example.org');
    expect(verbose).toContain('CN=own.example.org');
    expect(out).toMatch(/own \n$/);
  });

  it("sends the client's address with the PROXY protocol if the label says so", async () => {
    const address = (await curlAt(nginx.tlsPort, 'ec.example.org')).out.match(/https ([0-9a-f.:]+) /)?.[1];
    expect((await curlAt(nginx.tlsPort, 'told.example.org')).out).toContain(`told ${address}\n`);
  });

  it('answers 503 over HTTP, or redirects to TLS', async () => {
    expect((await nginx.ask({ host: 'own.example.org' })).status).toBe(503);
    expect((await nginx.ask({ host: 'sealed.example.org' })).body).toContain('503 Under Maintenance');
    expect((await curlAt(nginx.tlsPort, 'sealed.example.org')).code).toBe(35);
    expect(await nginx.ask({ host: 'only.example.org', method: 'POST' })).toMatchObject({
      status: 308,
      headers: { location: 'https://only.example.org:8443/' },
    });
  });
});

describe('TLS for unknown names', () => {
  it.each([undefined, 'nobody.example.org'])('gets the certificate of the default backend: %s', async (name) => {
    const backend = aService('default', { host: '', lb: { default_backend: 'true', ssl_cert: 'rsa.pem' } });
    await using nginx = await start(configure(false, {}, [backend]));

    const out = await openssl(nginx.tlsPort, `GET / HTTP/1.0\r\nHost: x\r\n\r\n`, sni(name));

    expect(out).toContain('CN = rsa.example.org');
    expect(out).toMatch(/^HTTP\/1\.1 200/m);
    expect((await curlAt(nginx.tlsPort, 'garbage.example.org')).code).toBe(35);
  });

  it.each([undefined, 'nobody.example.org', 'closed.rsa.example.org'])(
    'gets the default certificate if there is one, and answers 503: %s',
    async (name) => {
      await using nginx = await start(configure(true, { DefaultCertificate: 'rsa.pem' }));

      const out = await openssl(
        nginx.tlsPort,
        `GET / HTTP/1.1\r\nHost: ${name ?? 'x'}\r\nConnection: close\r\n\r\n`,
        sni(name),
      );

      expect(out).toContain('CN = rsa.example.org');
      expect(out).toMatch(/^HTTP\/1\.1 503/m);
      expect((await curlAt(nginx.tlsPort, 'ec.example.org')).out).toMatch(/^HTTP\/2 200/);
    },
  );
});

describe('TLS settings', () => {
  it('are rejected by nginx if a cipher does not exist, and apply if it does', async () => {
    await using nginx = await NginxContainer.start();
    const config = (SSLCiphers: string) => configure(false, { Config: { SSLCiphers, HTTPOptions: [] } });

    const [bad, good] = await nginx.test([config('NO-SUCH-CIPHER'), config('ECDHE-ECDSA-AES256-GCM-SHA384')]);

    expect(bad).toContain('NO-SUCH-CIPHER');
    expect(good).toBe('');
  });

  it('set versions and ciphers', async () => {
    const Config = { SSLProtocols: 'TLSv1.2', SSLCiphers: 'ECDHE-ECDSA-AES256-GCM-SHA384', HTTPOptions: applications };
    await using nginx = await start(configure(false, { Config }));
    const at = (...options: string[]) => agrees(nginx.tlsPort, 'ec.example.org', options);

    expect(await at('-tls1_3')).toBe(false);
    expect(await at('-tls1_2', '-cipher', 'ECDHE-ECDSA-AES128-GCM-SHA256')).toBe(false);
    expect(await at('-tls1_2', '-cipher', 'ECDHE-ECDSA-AES256-GCM-SHA384')).toBe(true);
  });
});

const sni = (name: string | undefined) => (name === undefined ? ['-noservername'] : ['-servername', name]);

/** Whether a handshake succeeds. */
async function agrees(port: number, host: string, options: readonly string[]): Promise<boolean> {
  const command = ['s_client', '-connect', `127.0.0.1:${port}`, '-servername', host, '-brief', ...options];
  return run('sh', ['-c', `openssl "$@" </dev/null 2>&1`, 'sh', ...command]).then(
    ({ stdout }) => /CONNECTION ESTABLISHED/.test(stdout),
    () => false,
  );
}
