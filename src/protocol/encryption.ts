import { Aes256Gcm, CipherSuite, DhkemX25519HkdfSha256, HkdfSha256 } from '@hpke/core';

/**
 * Encryption of secrets for the proxies of a cluster: HPKE (RFC 9180) in base mode, with X25519, HKDF-SHA256 and
 * AES-256-GCM. Keys are base64.
 */
export interface KeyPair {
  readonly publicKey: string;
  readonly privateKey: string;
}

/** What a ciphertext is for. A ciphertext for one file is useless under the name of another. */
export interface Purpose {
  readonly cluster: string;
  /** Name of the file in the proxies. */
  readonly file: string;
}

const kem = new DhkemX25519HkdfSha256();
const suite = new CipherSuite({ kem, kdf: new HkdfSha256(), aead: new Aes256Gcm() });
/** Length of the encapsulated key, which the ciphertext begins with. */
const KEY_BYTES = 32;

export async function generateKeyPair(): Promise<KeyPair> {
  const { publicKey, privateKey } = await kem.generateKeyPair();
  return {
    publicKey: toBase64(await kem.serializePublicKey(publicKey)),
    privateKey: toBase64(await kem.serializePrivateKey(privateKey)),
  };
}

/** Base64 of the encapsulated key and the ciphertext. */
export async function encrypt(publicKey: string, purpose: Purpose, content: Uint8Array): Promise<string> {
  const recipientPublicKey = await kem.deserializePublicKey(toBytes(publicKey));
  const { enc, ct } = await suite.seal({ recipientPublicKey, info: infoOf(purpose) }, content);
  return Buffer.concat([Buffer.from(enc), Buffer.from(ct)]).toString('base64');
}

/** Throws if the ciphertext was made for another key or purpose, or was changed. */
export async function decrypt(privateKey: string, purpose: Purpose, ciphertext: string): Promise<Buffer> {
  const recipientKey = await kem.deserializePrivateKey(toBytes(privateKey));
  const bytes = toBytes(ciphertext);
  const enc = bytes.subarray(0, KEY_BYTES);
  const content = await suite.open({ recipientKey, enc, info: infoOf(purpose) }, bytes.subarray(KEY_BYTES));
  return Buffer.from(content);
}

function infoOf({ cluster, file }: Purpose): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(JSON.stringify(['signalbox secret', cluster, file]));
}

function toBase64(bytes: ArrayBuffer): string {
  return Buffer.from(bytes).toString('base64');
}

function toBytes(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(Buffer.from(text, 'base64'));
}
