import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { makeCertificate } from './material.ts';

const run = promisify(execFile);

/** Certificate and key in one file, in the forms that users bring. By name, the content of the secret. */
export async function certificateShapes(folder: string): Promise<Record<string, Buffer>> {
  const openssl = (...args: string[]) => run('openssl', args, { cwd: folder });
  const read = (file: string) => readFile(join(folder, file), 'utf8');
  await makeCertificate(folder, 'root', { names: ['root'], type: 'rsa' });
  await makeCertificate(folder, 'leaf', { names: ['*.example.org'], type: 'rsa', issuer: 'root' });
  await makeCertificate(folder, 'other', { names: ['*.example.org'], type: 'rsa' });
  await openssl('rsa', '-in', 'leaf.key', '-traditional', '-out', 'pkcs1.key');
  await openssl('pkey', '-in', 'leaf.key', '-aes256', '-passout', 'pass:x', '-out', 'encrypted.key');
  await openssl('rsa', '-in', 'leaf.key', '-aes256', '-traditional', '-passout', 'pass:x', '-out', 'encrypted-old.key');
  await openssl('x509', '-in', 'leaf.crt', '-trustout', '-out', 'trusted.crt');
  await openssl('x509', '-in', 'leaf.crt', '-outform', 'DER', '-out', 'leaf.der');
  await openssl('x509', '-in', 'root.crt', '-trustout', '-out', 'trusted-root.crt');
  await openssl('req', '-new', '-key', 'leaf.key', '-subj', '/CN=a', '-out', 'request.pem');
  await openssl(
    ...['pkcs12', '-export', '-in', 'leaf.crt', '-inkey', 'leaf.key', '-certfile', 'root.crt'],
    ...['-passout', 'pass:x', '-out', 'bag.p12'],
  );
  await openssl('pkcs12', '-in', 'bag.p12', '-passin', 'pass:x', '-nodes', '-out', 'bag.pem');
  const names = ['leaf.crt', 'leaf.key', 'root.crt', 'other.crt', 'other.key', 'pkcs1.key', 'encrypted.key'];
  const [leaf = '', key = '', root = '', other = '', otherKey = '', pkcs1 = '', encrypted = ''] = await Promise.all(
    names.map(read),
  );
  const both = leaf + key;
  const der = await readFile(join(folder, 'leaf.der'));
  const texts: Record<string, string> = {
    plain: leaf + root + key,
    'key-first': key + leaf + root,
    'key-between': leaf + key + root,
    'joined-certificates': leaf.trimEnd() + root + key,
    'joined-certificate-and-key': leaf.trimEnd() + key,
    'joined-chain-and-key': leaf + root.trimEnd() + key,
    'text-before-begin': `cert: ${both}`,
    'text-before-begin-with-chain': `cert: ${leaf}${root}${key}`,
    'text-before-begin-of-the-chain': `${leaf}cert: ${root}${key}`,
    'text-before-begin-of-the-key': `${leaf}key: ${key}`,
    'text-after-end': `${leaf.trimEnd()} text\n${key}`,
    'spaces-after-end': `${leaf.trimEnd()}  \n${key}`,
    'text-between': `a\n${leaf}b\n\n${root}c\n${key}d\n`,
    crlf: both.replaceAll('\n', '\r\n'),
    cr: both.replaceAll('\n', '\r'),
    bom: `\u{feff}${both}`,
    'bom-in-the-middle': `${leaf}\u{feff}${root}${key}`,
    'spaces-at-line-ends': both.replaceAll('\n', '  \n'),
    indented: both.replaceAll(/^/gm, '  '),
    'indented-base64': both.replaceAll(/^(?!-)/gm, ' '),
    'empty-lines': leaf.replaceAll('\n', '\n\n') + key,
    'no-line-break-at-the-end': both.trimEnd(),
    'one-line-of-base64': `-----BEGIN CERTIFICATE-----\n${der.toString('base64')}\n-----END CERTIFICATE-----\n${key}`,
    'lower-case': both.replaceAll('CERTIFICATE', 'certificate'),
    'four-dashes': both.replace('CERTIFICATE-----', 'CERTIFICATE----'),
    'six-dashes': both.replaceAll('-----', '------'),
    'pkcs12-attributes': await read('bag.pem'),
    'trusted-certificate': (await read('trusted.crt')) + key,
    'trusted-certificate-in-chain': leaf + (await read('trusted-root.crt')) + key,
    'x509-certificate': leaf.replaceAll('CERTIFICATE', 'X509 CERTIFICATE') + key,
    'request-between': leaf + (await read('request.pem')) + key,
    'request-only': (await read('request.pem')) + key,
    'pkcs1-key': leaf + pkcs1,
    'mislabeled-key': leaf + key.replaceAll('PRIVATE KEY', 'RSA PRIVATE KEY'),
    'encrypted-key': leaf + encrypted,
    'encrypted-key-of-old-style': leaf + (await read('encrypted-old.key')),
    'two-keys': leaf + key + otherKey,
    'two-keys-the-wrong-one-first': leaf + otherKey + key,
    'key-of-another': leaf + otherKey,
    'chain-first': root + leaf + key,
    'chain-of-another': leaf + other + key,
    'no-key': leaf,
    'no-certificate': key,
    'damaged-base64': leaf.replace(/\n..../, '\n????') + key,
    'damaged-base64-in-chain': leaf + root.replace(/\n..../, '\n????') + key,
    'damaged-certificate': leaf.replace(/\n..../, '\nAAAA') + key,
    'damaged-key': leaf + key.replace(/\n..../, '\nAAAA'),
    'no-end': leaf.replace(/-----END.*/, '') + key,
    'begins-again-at-the-end': `${both}-----BEGIN CERTIFICATE-----\n`,
    'damaged-certificate-at-the-end': `${both}-----BEGIN CERTIFICATE-----\nbm8=\n-----END CERTIFICATE-----\n`,
    'damaged-other-block-first': `-----BEGIN X-----\n????\n-----END X-----\n${both}`,
    'other-block-first': `-----BEGIN X-----\nbm8=\n-----END X-----\n${both}`,
    empty: '',
    text: 'no certificate at all\n',
  };
  const shapes = Object.entries(texts).map(([name, text]) => [name, Buffer.from(text)] as const);
  return { ...Object.fromEntries(shapes), der, ...(await keyShapes(folder)) };
}

const KEYS: Readonly<Record<string, readonly string[]>> = {
  'rsa-1024': ['rsa:1024'],
  'rsa-4096': ['rsa:4096'],
  'rsa-pss': ['rsa-pss', '-pkeyopt', 'rsa_keygen_bits:2048'],
  'sha1-self-signed': ['rsa:2048', '-sha1'],
  'p-256': ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256'],
  'p-384': ['ec', '-pkeyopt', 'ec_paramgen_curve:P-384'],
  'p-521': ['ec', '-pkeyopt', 'ec_paramgen_curve:P-521'],
  'p-192': ['ec', '-pkeyopt', 'ec_paramgen_curve:P-192'],
  secp256k1: ['ec', '-pkeyopt', 'ec_paramgen_curve:secp256k1'],
  'brainpool-256': ['ec', '-pkeyopt', 'ec_paramgen_curve:brainpoolP256r1'],
  'explicit-curve': ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-pkeyopt', 'ec_param_enc:explicit'],
  ed25519: ['ed25519'],
  ed448: ['ed448'],
};

/** Key types, and their signature algorithms. */
async function keyShapes(folder: string): Promise<Record<string, Buffer>> {
  const openssl = (...args: string[]) => run('openssl', args, { cwd: folder });
  const shapes: Record<string, Buffer> = {};
  const sign = async (name: string, ...how: readonly string[]) => {
    const files = ['-keyout', `${name}.key`, '-out', `${name}.crt`, '-nodes'];
    await openssl('req', '-x509', '-newkey', ...how, ...files, '-subj', '/CN=a.example.org');
    const parts = await Promise.all([`${name}.crt`, `${name}.key`].map((file) => readFile(join(folder, file))));
    shapes[name] = Buffer.concat(parts);
  };
  for (const [name, how] of Object.entries(KEYS)) await sign(name, ...how);
  const byRoot = ['-CA', 'root.crt', '-CAkey', 'root.key'];
  await sign('sha1-signed', 'rsa:2048', '-sha1', ...byRoot);
  await sign('signed-by-a-weak-ca', 'rsa:2048', '-CA', 'rsa-1024.crt', '-CAkey', 'rsa-1024.key');
  shapes['weak-ca-in-the-chain'] = Buffer.concat([
    shapes['signed-by-a-weak-ca']!,
    await readFile(join(folder, 'rsa-1024.crt')),
  ]);
  await openssl(
    ...['genpkey', '-genparam', '-algorithm', 'DSA', '-pkeyopt', 'dsa_paramgen_bits:2048'],
    ...['-pkeyopt', 'dsa_paramgen_q_bits:256', '-out', 'dsa.params'],
  );
  await sign('dsa', 'dsa:dsa.params');
  const { stdout: parameters } = await openssl('ecparam', '-name', 'prime256v1');
  const { stdout: sec1 } = await openssl('ec', '-in', 'p-256.key');
  const certificate = await readFile(join(folder, 'p-256.crt'), 'utf8');
  shapes['ec-parameters-before-key'] = Buffer.from(certificate + parameters + sec1);
  shapes['ec-parameters-first'] = Buffer.from(parameters + sec1 + certificate);
  await openssl('ec', '-in', 'p-256.key', '-conv_form', 'compressed', '-out', 'compressed.key');
  shapes['compressed-key'] = Buffer.from(certificate + (await readFile(join(folder, 'compressed.key'), 'utf8')));
  return shapes;
}
