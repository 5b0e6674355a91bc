import { digest } from '../lib/digest.ts';
import type { DesiredService } from './owned-service.ts';

/** Names what was asked for as a whole; unequal digests mean that something is to be written. */
export function specDigest(desired: DesiredService): string {
  return digest(JSON.stringify(desired));
}
