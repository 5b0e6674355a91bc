import { createHash, createPublicKey, generateKeyPairSync } from 'node:crypto';

export interface AccountKey {
  /** SEC1, in PEM: the format in which lego reads keys of accounts. */
  readonly key: string;
  /** RFC 7638. Public: it is part of each answer to a challenge. */
  readonly thumbprint: string;
}

export function createAccountKey(): AccountKey {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const { crv, kty, x, y } = createPublicKey(privateKey).export({ format: 'jwk' });
  // The members in this order, without spaces.
  const members = JSON.stringify({ crv, kty, x, y });
  return {
    key: privateKey.export({ format: 'pem', type: 'sec1' }) as string,
    thumbprint: createHash('sha256').update(members).digest('base64url'),
  };
}
