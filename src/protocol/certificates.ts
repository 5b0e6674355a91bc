import 'reflect-metadata';
import { X509Certificate as NodeCertificate, webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import * as x509 from '@peculiar/x509';
import { controllerName, type Identity } from './names.ts';

/**
 * Certificates of the control channel: one CA for each installation, and one identity for the controller, for each extension, and for the agents of
 * each cluster's proxies. The names in them are roles, not addresses.
 */
x509.cryptoProvider.set(webcrypto as never);

const KEY_ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256' } as const;
const SIGNING = { ...KEY_ALGORITHM, hash: 'SHA-256' } as const;
const YEAR_MS = 365 * 24 * 3_600_000;
const CA_LIFETIME_MS = 20 * YEAR_MS;
const LEAF_LIFETIME_MS = 2 * YEAR_MS;
/** Clocks of the nodes may differ. */
const BACKDATE_MS = 24 * 3_600_000;

/** The controller's secret: its own identity and the CA's private key. */
export interface Authority extends Identity {
  readonly caKey: string;
}

export async function createAuthority(now: number): Promise<Authority> {
  const keys = await generateKeys();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: 'CN=Signalbox control channel',
    ...validity(now, CA_LIFETIME_MS),
    keys,
    signingAlgorithm: SIGNING,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
    ],
  });
  const signer = { ca: certificate.toString('pem'), caKey: await exportKey(keys.privateKey) };
  return { ...signer, ...(await issueIdentity(signer, controllerName, now)) };
}

/** `aliases` are additional DNS names or addresses of the certificate. */
export async function issueIdentity(
  { ca, caKey }: Pick<Authority, 'ca' | 'caKey'>,
  name: string,
  now: number,
  aliases: readonly string[] = [],
): Promise<Identity> {
  const keys = await generateKeys();
  const issuer = new x509.X509Certificate(ca);
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: `CN=${name}`,
    issuer: issuer.subject,
    ...validity(now, LEAF_LIFETIME_MS),
    publicKey: keys.publicKey,
    signingKey: await importKey(caKey),
    signingAlgorithm: SIGNING,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth, x509.ExtendedKeyUsage.clientAuth]),
      new x509.SubjectAlternativeNameExtension(
        [name, ...aliases].map((value) => ({ type: isIP(value) ? 'ip' : 'dns', value })),
      ),
    ],
  });
  return { ca, cert: certificate.toString('pem'), key: await exportKey(keys.privateKey) };
}

/** Short, stable name of a certificate. */
export function fingerprint(pem: string): string {
  return new NodeCertificate(pem).fingerprint256.replaceAll(':', '').slice(0, 12).toLowerCase();
}

export function expiry(pem: string): Date {
  return new Date(new NodeCertificate(pem).validTo);
}

function validity(now: number, lifetimeMs: number) {
  return { notBefore: new Date(now - BACKDATE_MS), notAfter: new Date(now + lifetimeMs) };
}

function serialNumber(): string {
  // A leading zero bit keeps the number positive.
  const bytes = webcrypto.getRandomValues(new Uint8Array(16));
  return Buffer.from(bytes.with(0, bytes[0]! & 0x7f)).toString('hex');
}

async function generateKeys() {
  return (await webcrypto.subtle.generateKey(KEY_ALGORITHM, true, ['sign', 'verify'])) as never as CryptoKeyPair;
}

type CryptoKeyPair = { readonly privateKey: webcrypto.CryptoKey; readonly publicKey: webcrypto.CryptoKey };

async function exportKey(key: webcrypto.CryptoKey): Promise<string> {
  return x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY');
}

async function importKey(pem: string): Promise<webcrypto.CryptoKey> {
  return webcrypto.subtle.importKey('pkcs8', x509.PemConverter.decodeFirst(pem), KEY_ALGORITHM, false, ['sign']);
}
