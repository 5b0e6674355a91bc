import 'reflect-metadata';
import {
  createECDH,
  createPrivateKey,
  createPublicKey,
  hkdfSync,
  X509Certificate as NodeCertificate,
} from 'node:crypto';
import * as x509 from '@peculiar/x509';
import { type Authority, createSelfSigned, fingerprint, issueForServer } from './certificates.ts';

const DAY_MS = 24 * 3_600_000;
const LIFETIME_MS = 90 * DAY_MS;

/** A certificate for a host, and its private key. */
export interface InternalCertificate {
  readonly chain: string;
  readonly key: string;
  readonly serial: string;
  readonly notBefore: number;
  readonly notAfter: number;
}

/**
 * The CA of the issuer `internal`. It is not the CA of the control channel, so that no host's certificate is an identity. Its key is derived from that
 * CA's key, so that all controllers have it and no other secret is needed. Only the root's signature differs between them.
 */
export class InternalCa {
  /** PEM. */
  readonly root: string;
  readonly #key: string;

  private constructor(root: string, key: string) {
    this.root = root;
    this.#key = key;
  }

  static async derive(authority: Pick<Authority, 'ca' | 'caKey'>): Promise<InternalCa> {
    const keys = deriveKeys(authority.caKey);
    const { validFrom, validTo } = new NodeCertificate(authority.ca);
    const name = `CN=Signalbox internal CA ${fingerprint(authority.ca)}`;
    const validity = { notBefore: new Date(validFrom), notAfter: new Date(validTo) };
    return new InternalCa(await createSelfSigned(name, keys, validity), keys.privateKey);
  }

  /** For one DNS name, or a wildcard. */
  async issue(name: string, now: number): Promise<InternalCertificate> {
    const { cert, key } = await issueForServer({ ca: this.root, caKey: this.#key }, name, now, LIFETIME_MS);
    const { serialNumber, validFrom, validTo } = new NodeCertificate(cert);
    return {
      chain: cert,
      key,
      serial: serialNumber.toLowerCase().replace(/^0+(?=.)/, ''),
      notBefore: Date.parse(validFrom),
      notAfter: Date.parse(validTo),
    };
  }
}

/** PEM. A number that is no private key of the curve has a probability of less than 2^-32, and the next one is taken. */
function deriveKeys(caKey: string): { readonly publicKey: string; readonly privateKey: string } {
  const secret = x509.PemConverter.decodeFirst(caKey);
  for (let attempt = 0; ; attempt++) {
    const number = Buffer.from(hkdfSync('sha256', Buffer.from(secret), '', `signalbox internal CA ${attempt}`, 32));
    const curve = createECDH('prime256v1');
    try {
      curve.setPrivateKey(number);
    } catch {
      continue;
    }
    const point = curve.getPublicKey();
    const [x, y, d] = [point.subarray(1, 33), point.subarray(33), number].map((part) => part.toString('base64url'));
    const jwk = { kty: 'EC', crv: 'P-256', x: x!, y: y!, d: d! };
    const key = createPrivateKey({ key: jwk, format: 'jwk' });
    return {
      privateKey: key.export({ format: 'pem', type: 'pkcs8' }).toString(),
      publicKey: createPublicKey(key).export({ format: 'pem', type: 'spki' }).toString(),
    };
  }
}
