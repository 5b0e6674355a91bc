import { randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto';

/** `scrypt$<log2 of N>$<salt>$<hash>`, salt and hash in base64url. Block size 8, parallelization 1. */
export interface PasswordHash {
  readonly cost: number;
  readonly salt: Buffer;
  readonly hash: Buffer;
}

/** 2^15 takes 32 MB and about a tenth of a second; each increment doubles both. */
const DEFAULT_COST = 15;
const MIN_COST = 15;
/** Limits the memory that a sign-in takes: 128 MB. */
const MAX_COST = 17;
const BLOCK_SIZE = 8;
const SALT_BYTES = 16;
const HASH_BYTES = 32;

const FORM = /^scrypt\$(\d{1,2})\$([A-Za-z0-9_-]{22})\$([A-Za-z0-9_-]{43})$/;

/** Undefined if the text is no valid hash, or its cost is outside the allowed range. */
export function parsePasswordHash(text: string): PasswordHash | undefined {
  const [, cost, salt, hash] = FORM.exec(text) ?? [];
  if (cost === undefined || Number(cost) < MIN_COST || Number(cost) > MAX_COST) return undefined;
  return { cost: Number(cost), salt: Buffer.from(salt!, 'base64url'), hash: Buffer.from(hash!, 'base64url') };
}

export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  const hash = await derive(password, salt, DEFAULT_COST);
  return ['scrypt', DEFAULT_COST, salt.toString('base64url'), hash.toString('base64url')].join('$');
}

export async function isPassword(password: string, { cost, salt, hash }: PasswordHash): Promise<boolean> {
  return timingSafeEqual(await derive(password, salt, cost), hash);
}

/** A hash that no password matches. Verified for unknown users, so that it takes the same time as for known ones. */
export function unknownHash(cost = DEFAULT_COST): PasswordHash {
  return { cost, salt: randomBytes(SALT_BYTES), hash: randomBytes(HASH_BYTES) };
}

function derive(password: string, salt: Buffer, cost: number): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const N = 2 ** cost;
  const options: ScryptOptions = { N, r: BLOCK_SIZE, p: 1, maxmem: 256 * N * BLOCK_SIZE };
  // The same characters may be typed as different code points.
  scrypt(password.normalize('NFKC'), salt, HASH_BYTES, options, (error, key) => (error ? reject(error) : resolve(key)));
  return promise;
}
