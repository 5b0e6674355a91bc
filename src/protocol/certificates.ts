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
/** X.509 limits common names. */
const MOST_COMMON_NAME = 64;
/** Clocks of the nodes may differ. */
const BACKDATE_MS = 24 * 3_600_000;

/** The controller's secret: its own identity and the CA's private key. */
export interface Authority extends Identity {
  readonly caKey: string;
}

export async function createAuthority(now: number): Promise<Authority> {
  const { privateKey, publicKey } = await generateKeys();
  const keys = { privateKey: await exportKey(privateKey), publicKey: await exportPublicKey(publicKey) };
  const ca = await createSelfSigned('CN=Signalbox control channel', keys, validity(now, CA_LIFETIME_MS));
  const signer = { ca, caKey: keys.privateKey };
  return { ...signer, ...(await issueIdentity(signer, controllerName, now)) };
}

/** The certificate of a CA, in PEM, as its keys. */
export async function createSelfSigned(
  name: string,
  { privateKey, publicKey }: { readonly privateKey: string; readonly publicKey: string },
  validity: { readonly notBefore: Date; readonly notAfter: Date },
): Promise<string> {
  const spki = x509.PemConverter.decodeFirst(publicKey);
  const verifying = await webcrypto.subtle.importKey('spki', spki, KEY_ALGORITHM, true, ['verify']);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name,
    ...validity,
    keys: { privateKey: await importKey(privateKey), publicKey: verifying },
    signingAlgorithm: SIGNING,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
    ],
  });
  return certificate.toString('pem');
}

/** For one name of a host. */
export async function issueForServer(
  signer: Pick<Authority, 'ca' | 'caKey'>,
  name: string,
  now: number,
  lifetimeMs: number,
): Promise<Identity> {
  return issue(signer, [name], validity(now, lifetimeMs), [x509.ExtendedKeyUsage.serverAuth]);
}

/** `aliases` are additional DNS names or addresses of the certificate. */
export async function issueIdentity(
  signer: Pick<Authority, 'ca' | 'caKey'>,
  name: string,
  now: number,
  aliases: readonly string[] = [],
): Promise<Identity> {
  const usages = [x509.ExtendedKeyUsage.serverAuth, x509.ExtendedKeyUsage.clientAuth];
  return issue(signer, [name, ...aliases], validity(now, LEAF_LIFETIME_MS), usages);
}

/** The first name is also the subject, if it fits. */
async function issue(
  { ca, caKey }: Pick<Authority, 'ca' | 'caKey'>,
  names: readonly string[],
  validity: { readonly notBefore: Date; readonly notAfter: Date },
  usages: x509.ExtendedKeyUsageType[],
): Promise<Identity> {
  const keys = await generateKeys();
  const issuer = new x509.X509Certificate(ca);
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: names[0]!.length <= MOST_COMMON_NAME ? `CN=${names[0]}` : '',
    issuer: issuer.subject,
    ...validity,
    publicKey: keys.publicKey,
    signingKey: await importKey(caKey),
    signingAlgorithm: SIGNING,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension(usages),
      new x509.SubjectAlternativeNameExtension(names.map((value) => ({ type: isIP(value) ? 'ip' : 'dns', value }))),
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

async function exportPublicKey(key: webcrypto.CryptoKey): Promise<string> {
  return x509.PemConverter.encode(await webcrypto.subtle.exportKey('spki', key), 'PUBLIC KEY');
}

async function importKey(pem: string): Promise<webcrypto.CryptoKey> {
  return webcrypto.subtle.importKey('pkcs8', x509.PemConverter.decodeFirst(pem), KEY_ALGORITHM, false, ['sign']);
}
