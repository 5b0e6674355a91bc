import { foreignLabel } from '../names.ts';
import type { OwnedService } from '../snapshot.ts';

/** IDs of secrets that are known not to be intended for the proxies of this service. */
export function foreignIds({ labels }: Pick<OwnedService, 'labels'>): string[] {
  return (labels[foreignLabel] ?? '').split(' ').filter((id) => id !== '');
}
