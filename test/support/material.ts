import 'reflect-metadata';
import { execFile } from 'node:child_process';
import { createPrivateKey, webcrypto } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import * as x509 from '@peculiar/x509';

x509.cryptoProvider.set(webcrypto as never);

interface CertificateOptions {
  /** The first is also the subject. */
  readonly names: readonly string[];
  readonly type?: 'ec' | 'rsa';
  /** Name of the certificate in the folder that signs this one. Otherwise it is self-signed. */
  readonly issuer?: string;
  readonly more?: readonly string[];
}

const keys = { ec: ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256'], rsa: ['rsa:2048'] } as const;

/**
 * A certificate as users create it, self-signed or signed by another one in the folder: `<name>.crt` and `<name>.key`.
 */
export async function makeCertificate(
  folder: string,
  name: string,
  { names, type = 'ec', issuer, more = [] }: CertificateOptions,
): Promise<void> {
  const files = ['-keyout', join(folder, `${name}.key`), '-out', join(folder, `${name}.crt`)];
  const subject = [
    '-subj',
    `/CN=${names[0]}`,
    '-addext',
    `subjectAltName=${names.map((name) => `${isIP(name) ? 'IP' : 'DNS'}:${name}`).join()}`,
  ];
  const signer = issuer ? ['-CA', join(folder, `${issuer}.crt`), '-CAkey', join(folder, `${issuer}.key`)] : [];
  await promisify(execFile)('openssl', [
    'req',
    '-x509',
    '-newkey',
    ...keys[type],
    '-nodes',
    '-days',
    '365',
    ...files,
    ...subject,
    ...signer,
    ...more,
  ]);
}

/** A self-signed certificate and its key, as the text of a secret. */
export async function makeSite(...names: readonly string[]): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'site-'));
  try {
    await makeCertificate(folder, 'site', { names });
    return (await readFile(join(folder, 'site.crt'), 'utf8')) + (await readFile(join(folder, 'site.key'), 'utf8'));
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** An OCSP response that a certificate of the folder is good. In DER, signed by the issuer. */
export async function answerOcsp(folder: string, name: string, issuer: string): Promise<Buffer> {
  const openssl = (...args: string[]) => promisify(execFile)('openssl', args, { cwd: folder });
  const { stdout } = await openssl('x509', '-in', `${name}.crt`, '-noout', '-serial');
  const serial = stdout.trim().replace('serial=', '');
  await writeFile(join(folder, 'index.txt'), `V\t491231235959Z\t\t${serial}\tunknown\t/CN=${name}\n`);
  const about = ['-issuer', `${issuer}.crt`, '-cert', `${name}.crt`, '-no_nonce'];
  const signer = ['-CA', `${issuer}.crt`, '-rsigner', `${issuer}.crt`, '-rkey', `${issuer}.key`];
  await openssl('ocsp', ...about, '-reqout', 'ocsp.request');
  await openssl(
    'ocsp',
    '-index',
    'index.txt',
    ...signer,
    '-reqin',
    'ocsp.request',
    '-ndays',
    '7',
    '-respout',
    'ocsp.answer',
  );
  return readFile(join(folder, 'ocsp.answer'));
}

/** The same certificate with other dates, which openssl on many machines cannot set. For P-256 keys only. */
export async function changeDates(
  folder: string,
  name: string,
  issuer: string,
  from: Date,
  until: Date,
): Promise<void> {
  const read = (file: string) => readFile(join(folder, file), 'utf8');
  const [old, signer] = await Promise.all(
    [name, issuer].map(async (of) => new x509.X509Certificate(await read(`${of}.crt`))),
  );
  const dated = await x509.X509CertificateGenerator.create({
    subject: old!.subject,
    issuer: signer!.subject,
    notBefore: from,
    notAfter: until,
    publicKey: old!.publicKey,
    extensions: old!.extensions,
    signingKey: await signingKey(await read(`${issuer}.key`)),
    signingAlgorithm: P256,
  });
  await writeFile(join(folder, `${name}.crt`), dated.toString('pem'));
}

/** A revocation list of this authority, which must have a P-256 key, for certificates of the folder: `<name>.crl`. */
export async function makeRevocationList(
  folder: string,
  name: string,
  issuer: string,
  revoked: readonly string[],
  until = new Date(Date.now() + 30 * 86_400_000),
): Promise<void> {
  const read = (file: string) => readFile(join(folder, file), 'utf8');
  const signer = new x509.X509Certificate(await read(`${issuer}.crt`));
  const certificates = await Promise.all(revoked.map(async (of) => new x509.X509Certificate(await read(`${of}.crt`))));
  const list = await x509.X509CrlGenerator.create({
    issuer: signer.subject,
    thisUpdate: new Date(until.getTime() - 60 * 86_400_000),
    nextUpdate: until,
    entries: certificates.map(({ serialNumber }) => ({ serialNumber, revocationDate: new Date('2026-01-01') })),
    signingKey: await signingKey(await read(`${issuer}.key`)),
    signingAlgorithm: P256,
  });
  await writeFile(join(folder, `${name}.crl`), `${list.toString('pem').replaceAll(' CRL-----', ' X509 CRL-----')}\n`);
}

const P256 = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

function signingKey(pem: string) {
  const key = createPrivateKey(pem).export({ type: 'pkcs8', format: 'der' });
  return webcrypto.subtle.importKey('pkcs8', key, P256, false, ['sign']);
}
