import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MAX_REPORT_BYTES } from '../../../src/protocol/read-body.ts';
import {
  factsThatFit,
  inspectOnce,
  inspectSecret,
  inspectSecrets,
  within,
} from '../../../src/tls-material/inspect-secrets.ts';
import { makeCertificate, makeRevocationList } from '../../support/material.ts';

let folder: string;
const read = (file: string) => readFileSync(join(folder, file), 'utf8');
const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'inspect-'));
  await makeCertificate(folder, 'root', { names: ['root'] });
  await makeCertificate(folder, 'middle', { names: ['middle'], issuer: 'root' });
  await makeCertificate(folder, 'leaf', { names: ['App.example.org', '*.apps.example.org'], issuer: 'middle' });
  await makeCertificate(folder, 'rsa', {
    names: ['rsa.example.org'],
    type: 'rsa',
    more: ['-addext', 'tlsfeature=status_request'],
  });
  await makeRevocationList(folder, 'root', 'root', ['middle'], new Date('2027-01-02T03:04:05Z'));
  await makeRevocationList(folder, 'middle', 'middle', [], new Date('2055-01-02T03:04:05Z'));
  openssl('pkey', '-in', 'leaf.key', '-aes256', '-passout', 'pass:x', '-out', 'encrypted.key');
  openssl('ec', '-in', 'leaf.key', '-aes256', '-passout', 'pass:x', '-out', 'encrypted-old.key');
  openssl('rsa', '-in', 'rsa.key', '-traditional', '-out', 'rsa-old.key');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('a secret', () => {
  it('with a chain reports the certificates in the order of the file, and the names of the first', () => {
    const facts = inspectSecret('chain', read('leaf.crt') + read('middle.crt') + read('root.crt'));

    expect(facts).toMatchObject({ name: 'chain', isBroken: false, key: { kind: 'none' } });
    expect(facts.certificates.map(({ names, isFollowedByIssuer }) => [names[0], isFollowedByIssuer])).toEqual([
      ['app.example.org', true],
      [undefined, true],
      [undefined, true],
    ]);
    expect(facts.certificates[0]).toMatchObject({ names: ['app.example.org', '*.apps.example.org'], rsaBits: 0 });
  });

  it('with revocation lists reports when all are valid, and until when', () => {
    const facts = inspectSecret('crl', read('middle.crl') + read('root.crl'));

    expect(facts).toMatchObject({ isMaterial: true, isBroken: false, certificates: [], rejected: 'no start line' });
    expect(facts.revocations).toEqual({
      count: 2,
      isBroken: false,
      from: '2054-11-03T03:04:05.000Z',
      until: '2027-01-02T03:04:05.000Z',
    });
  });

  it.each([
    ['not base64', '-----BEGIN X509 CRL-----\n!!!\n-----END X509 CRL-----\n'],
    ['no list', '-----BEGIN X509 CRL-----\nMAA=\n-----END X509 CRL-----\n'],
    ['cut off', '-----BEGIN X509 CRL-----\nMAA=\n'],
  ])('with a broken revocation list reports that: %s', (_, text) => {
    expect(inspectSecret('crl', text)).toMatchObject({ isMaterial: true, revocations: { count: 0, isBroken: true } });
  });

  it('with a chain out of order reports that', () => {
    const { certificates } = inspectSecret('chain', read('leaf.crt') + read('root.crt') + read('middle.crt'));

    expect(certificates.map(({ isFollowedByIssuer }) => isFollowedByIssuer)).toEqual([false, false, true]);
  });

  it.each([
    ['in front', () => read('leaf.key') + read('leaf.crt')],
    ['behind', () => read('leaf.crt') + read('leaf.key')],
    ['with other line ends', () => (read('leaf.crt') + read('leaf.key')).replaceAll('\n', '\r\n')],
  ])('with certificate and key reports that they match: %s', (_, text) => {
    const { certificates, key } = inspectSecret('both', text());

    expect(key).toEqual({ kind: 'plain', publicKey: certificates[0]!.publicKey });
  });

  it('with an RSA certificate reports its size, its dates and whether it requires stapling', () => {
    const { certificates, key } = inspectSecret('rsa', read('rsa.crt') + read('rsa-old.key'));

    expect(certificates).toMatchObject([{ rsaBits: 2048, wantsStapling: true }]);
    expect(key).toEqual({ kind: 'plain', publicKey: certificates[0]!.publicKey });
    expect(Date.parse(certificates[0]!.until)).toBeGreaterThan(Date.parse(certificates[0]!.from));
  });

  it.each([
    ['http://ocsp.example.org', 'http://ocsp.example.org'],
    ['http://ocsp.example.org:8080/a/b', 'http://ocsp.example.org:8080/a/b'],
    ['https://ocsp.example.org', ''],
    ['http://ocsp.example.org/?a', ''],
    ['http://user@ocsp.example.org', ''],
  ])(
    'with a certificate that names an OCSP responder reports the address, if it is plain HTTP: %s',
    async (url, responder) => {
      const more = ['-addext', `authorityInfoAccess=caIssuers;URI:http://ca.example.org,OCSP;URI:${url}`];
      await makeCertificate(folder, 'asking', { names: ['asking.example.org'], issuer: 'root', more });

      expect(inspectSecret('asking', read('asking.crt')).certificates).toMatchObject([{ responder }]);
    },
  );

  it.each(['encrypted.key', 'encrypted-old.key'])('with an encrypted key reports that: %s', (file) => {
    expect(inspectSecret('key', read(file)).key).toEqual({ kind: 'encrypted' });
  });

  it.each([
    ['nothing', '', false],
    ['a text', 'no certificate at all\n', false],
    ['an invalid certificate', '-----BEGIN CERTIFICATE-----\nbm8=\n-----END CERTIFICATE-----\n', true],
    ['a truncated certificate', '-----BEGIN CERTIFICATE-----\nbm8=\n', true],
    ['a certificate request', '-----BEGIN CERTIFICATE REQUEST-----\nbm8=\n-----END CERTIFICATE REQUEST-----\n', false],
  ])('with %s has no certificate', (_, text, isBroken) => {
    expect(inspectSecret('bad', text)).toMatchObject({ certificates: [], isBroken });
  });

  it('with an invalid key reports that', () => {
    const text = '-----BEGIN PRIVATE KEY-----\nbm8=\n-----END PRIVATE KEY-----\n';

    expect(inspectSecret('bad', text).key).toEqual({ kind: 'unreadable', reason: 'unsupported' });
  });

  it('without names for hosts covers its common name', () => {
    openssl('req', '-x509', '-key', 'leaf.key', '-subj', '/O=x/CN=only.example.org', '-out', 'named.crt');

    expect(inspectSecret('named', read('named.crt')).certificates[0]!.names).toEqual(['only.example.org']);
  });

  it.each([
    ['DNS:A.Example.ORG,DNS:b.example.org.', ['a.example.org', 'b.example.org'], []],
    ['DNS:*.example.org,DNS:xn--GRE-6ka8I.example.org', ['*.example.org', 'xn--gre-6ka8i.example.org'], []],
    ['IP:10.20.30.40', [], ['10.20.30.40']],
    ['DNS:a.example.org,IP:2001:db8:0:0:0:0:0:1', ['a.example.org'], ['[2001:db8::1]']],
    ['IP:::1,IP:2001:0DB8::00FF', [], ['[::1]', '[2001:db8::ff]']],
    ['IP:::ffff:10.20.30.40', [], ['[::ffff:a14:1e28]']],
    ['email:a@example.org,URI:http://a.example.org', ['named.example.org'], []],
  ])('reports names and addresses as hosts are written: %s', async (alternatives, names, addresses) => {
    const subject = ['-subj', '/CN=named.example.org', '-addext', `subjectAltName=${alternatives}`];
    openssl('req', '-x509', '-key', 'leaf.key', ...subject, '-out', 'alternatives.crt');

    expect(inspectSecret('alternatives', read('alternatives.crt')).certificates).toMatchObject([
      { names, addresses, hasAllNames: true },
    ]);
  });

  it.each([
    ['10.20.30.40', ['10.20.30.40'], ['10.20.30.40']],
    ['Only.Example.ORG', ['only.example.org'], []],
  ])('covers its common name if it has no other: %s', (common, names, addresses) => {
    openssl('req', '-x509', '-key', 'leaf.key', '-subj', `/CN=${common}`, '-out', 'common.crt');

    expect(inspectSecret('common', read('common.crt')).certificates).toMatchObject([{ names, addresses }]);
  });

  it.each([150, 1000])('reports all names of a certificate: %d', async (number) => {
    const names = Array.from({ length: number }, (_, n) => `host${n}.example.org`);
    await makeCertificate(folder, 'names', { names });

    expect(inspectSecret('names', read('names.crt')).certificates).toMatchObject([{ names, hasAllNames: true }]);
  });

  it('reports that there are more names than may be reported', async () => {
    await makeCertificate(folder, 'names', { names: ['a.example.org', 'b.example.org', 'c.example.org'] });

    const [leaf] = within({ count: 2, length: 1000 }, inspectSecret('names', read('names.crt'))).certificates;
    expect(leaf).toMatchObject({ names: ['a.example.org', 'b.example.org'], hasAllNames: false });
  });

  it('reports that its names are too long to be reported', async () => {
    const names = Array.from({ length: 100 }, (_, n) => `${'x'.repeat(30)}.${n}.example.org`);
    await makeCertificate(folder, 'names', { names });

    const [leaf] = within({ count: 10_000, length: 2000 }, inspectSecret('names', read('names.crt'))).certificates;
    expect(leaf).toMatchObject({ hasAllNames: false });
    expect(leaf!.names.length).toBeGreaterThan(10);
    expect(JSON.stringify(leaf!.names).length).toBeLessThanOrEqual(2001);
  });

  it('is not reported if the facts of others fill a report', () => {
    const facts = inspectSecret('a', read('leaf.crt'));
    const many = Array.from({ length: 5000 }, () => facts);

    const reported = factsThatFit(many);

    expect(reported.length).toBeGreaterThan(500);
    expect(JSON.stringify(reported).length).toBeLessThan(MAX_REPORT_BYTES - 100_000);
  });

  it('reveals nothing of its key', () => {
    const secret = read('leaf.key').split('\n')[1]!;

    expect(JSON.stringify(inspectSecret('both', read('leaf.crt') + read('leaf.key')))).not.toContain(
      secret.slice(0, 20),
    );
  });

  it('with hundreds of certificates is reported briefly', () => {
    const facts = inspectSecret('many', read('root.crt').repeat(300));

    expect(JSON.stringify(facts).length).toBeLessThan(4000);
    expect(facts.isBroken).toBe(false);
  });
});

describe('the secrets of a task', () => {
  it('are reported except for our own', async () => {
    const secrets = mkdtempSync(join(folder, 'secrets-'));
    for (const name of ['b', 'a', 'signalbox-proxy']) writeFileSync(join(secrets, name), read('leaf.crt'));

    const facts = await inspectSecrets(secrets, (name) => name.startsWith('signalbox-'));

    expect(facts.map(({ name }) => name)).toEqual(['a', 'b']);
  });

  it('have the reason if nginx rejects them as CAs', async () => {
    const [secrets, rejected] = [mkdtempSync(join(folder, 'secrets-')), mkdtempSync(join(folder, 'rejected-'))];
    for (const name of ['bad', 'good']) writeFileSync(join(secrets, name), read('leaf.crt'));
    const complaint =
      'SSL_CTX_load_verify_locations("/run/secrets/bad") failed (SSL: error:05880020:x509 certificate routines::BIO lib)';
    writeFileSync(join(rejected, 'bad'), `nginx: [emerg] ${complaint}\n`);

    const facts = await inspectSecrets(secrets, () => false, rejected);

    expect(facts.map(({ rejectedAuthority }) => rejectedAuthority)).toEqual(['BIO lib', '']);
  });

  it('may be none', async () => {
    expect(await inspectSecrets(join(folder, 'nowhere'), () => false)).toEqual([]);
  });
});

it('a secret is inspected once, and again when its content differs', async () => {
  const own = mkdtempSync(join(tmpdir(), 'once-'));
  const inspected: string[] = [];
  const inspect = inspectOnce((name, content) => {
    inspected.push(name);
    return inspectSecret(name, content);
  });
  const all = () => inspectSecrets(own, () => false, own, inspect);
  try {
    writeFileSync(join(own, 'site'), read('leaf.crt') + read('leaf.key'));
    const first = await all();
    writeFileSync(join(own, 'added'), read('rsa.crt'));
    const second = await all();
    expect(inspected).toEqual(['site', 'added']);
    expect(second[1]).toEqual(first[0]);

    writeFileSync(join(own, 'site'), read('rsa.crt'));
    const [, changed] = await all();
    expect(inspected).toEqual(['site', 'added', 'site']);
    expect(changed!.certificates[0]!.names).toEqual(['rsa.example.org']);
  } finally {
    rmSync(own, { recursive: true });
  }
});
