import { z } from 'zod';
import { allowListSchema } from '../allow-list.ts';
import { boolean, label, splitList } from '../labels/label.ts';
import type { LabelReader } from '../labels/label-reader.ts';
import type { Maintenance } from '../route.ts';

export const maintenanceLabels = {
  maintenance: label({
    name: 'maintenance',
    policy: 'protective',
    type: 'boolean',
    default: 'false',
    example: 'true',
    description:
      'Takes the route out of service: clients receive a 503 page with `Retry-After`. If other services share the host and path, they serve all requests.',
    schema: boolean,
  }),
  maintenance_allow: label({
    name: 'maintenance_allow',
    policy: 'optional',
    type: 'list of addresses and networks, separated by commas',
    default: '',
    example: '192.0.2.7, 10.20.0.0/16',
    description:
      'Client addresses that still reach the service during maintenance. Requires `PublishMode = "host"`, `ProxyProtocolFrom` or `TrustedProxies`, because the routing mesh hides client addresses.',
    schema: z.string().transform(splitList).pipe(allowListSchema),
  }),
} as const;

export function readMaintenance(reader: LabelReader): Maintenance | undefined {
  const allow = reader.read(maintenanceLabels.maintenance_allow) ?? [];
  return reader.read(maintenanceLabels.maintenance) ? { allow } : undefined;
}
