import { z } from 'zod';
import { counted } from '../../lib/words.ts';
import { label, wholeNumber } from '../labels/label.ts';
import { feature } from './feature.ts';
import { noteVirtualAddress } from './virtual-address.ts';

const MOST = 100_000;

const max_connections = label({
  name: 'max_connections',
  policy: 'optional',
  type: `number from 1 to ${MOST}`,
  default: '',
  example: '100',
  description:
    'Requests in progress that each proxy sends to one task at most. A WebSocket counts until it closes. If all tasks have that many, requests are not queued: clients receive 502. With `max_fails`, failed tasks receive no requests until `fail_timeout` has passed, even if all have failed.',
  schema: wholeNumber(1, MOST),
});

export const maxConnections = feature({
  labels: { max_connections },
  read(reader): number | undefined {
    const value = reader.read(max_connections);
    return value === undefined || noteVirtualAddress(reader, max_connections) ? undefined : value;
  },
  message: z.int().min(1).max(MOST),
  conflict: 'max_connections',
  stage: 'service',
  explain: (most) => ({
    max_connections: `Each proxy sends one task at most ${counted(most, 'request')} at a time. If all tasks have that many, clients receive 502.`,
  }),
  bytes: () => 0,
});
