import { digest } from '../../lib/digest.ts';
import type { DesiredService } from './owned-service.ts';

/** Identifies a desired specification; a different digest requires an update. */
export function specDigest(desired: DesiredService<string>): string {
  return digest(JSON.stringify(desired));
}
