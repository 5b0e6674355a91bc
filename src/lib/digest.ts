import { createHash } from 'node:crypto';

/** In hexadecimal. */
export const DIGEST_LENGTH = 16;

/** Short, stable name of some content: the first 64 bits of its SHA-256, in hexadecimal. */
export function digest(content: string): string {
  return createHash('sha256').update(content).digest('hex').slice(0, DIGEST_LENGTH);
}
