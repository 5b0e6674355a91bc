import type { LabelDefinition } from '../labels/label.ts';
import type { LabelReader } from '../labels/label-reader.ts';
import type { Definition, Surroundings } from './feature.ts';

/** What tells clients apart: their address, the requested host, or a request header. */
export type LimitKey = 'address' | 'host' | `header:${string}`;

export const LIMIT_KEY = /^(?:address|host|header:[a-z0-9-]{1,64})$/;

/** The nginx variable with the key. Never empty: nginx does not count requests with an empty key. */
export function keyVariable(key: LimitKey): string {
  return `limit_${key.replaceAll(/[:-]/g, '_')}`;
}

/**
 * Defines the variable. Its name is the same whatever it is made from, because nginx rejects a reload that changes the
 * key of a zone.
 */
export function keyDefinition(key: LimitKey): Definition {
  const variable = keyVariable(key);
  const [kind, header = ''] = key.split(':');
  const shared = { key: variable, bytes: 520, variable };
  if (kind !== 'header') return { ...shared, partial: `define-limit-${kind}` };
  return { ...shared, partial: 'define-limit-header', header: header.replaceAll('-', '_') };
}

export const NEEDS_ADDRESSES =
  'Requires `PublishMode = "host"`, `ProxyProtocolFrom` or `TrustedProxies`, because the routing mesh hides client addresses.';

/** Behind the routing mesh, all clients together would be one. */
export function refuseHiddenAddresses(reader: LabelReader, label: LabelDefinition, { cluster }: Surroundings): void {
  if (cluster?.hidesAddresses)
    reader.refuse(
      label,
      'counts all clients as one: the routing mesh hides client addresses from the proxies',
      'Set PublishMode to "host", or ProxyProtocolFrom or TrustedProxies if a balancer is in front.',
    );
}
