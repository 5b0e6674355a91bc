import { z } from 'zod';
import { counted } from '../../lib/words.ts';
import { label, wholeNumber } from '../labels/label.ts';
import { feature } from './feature.ts';
import { keyDefinition, keyVariable, NEEDS_ADDRESSES, refuseHiddenAddresses } from './limit-keys.ts';

/** nginx counts in 16 bits. */
const MOST = 65_535;
/** For 16,000 clients with a request in progress. nginx refuses any more. */
const ZONE_KB = 1024;

const connection_limit = label({
  name: 'connection_limit',
  policy: 'protective',
  type: `number from 1 to ${MOST}`,
  default: '',
  example: '20',
  description: `Requests in progress that each proxy accepts from one client address: a WebSocket counts until it closes, and each HTTP/2 stream counts. Others receive 429 with \`Retry-After\`. ${NEEDS_ADDRESSES} See [limits](limits.md#limits-per-client).`,
  schema: wholeNumber(1, MOST),
});

export const connectionLimit = feature({
  labels: { connection_limit },
  read(reader, surroundings): number | undefined {
    const value = reader.read(connection_limit);
    if (value !== undefined) refuseHiddenAddresses(reader, connection_limit, surroundings);
    return value;
  },
  message: z.int().min(1).max(MOST),
  conflict: 'connection_limit',
  stage: 'limit',
  explain: (most) => ({
    connection_limit: `Each proxy accepts ${counted(most, 'request')} in progress from one client address; others receive 429.`,
  }),
  protection: (limit) => limit,
  bytes: () => 130,
  zoneKb: () => ZONE_KB,
  partial: 'connection-limit',
  checks: true,
  view: (most, { id }) => ({ zone: zoneOf(id), most }),
  definitions: (_, { id }) => [
    keyDefinition('address'),
    {
      key: zoneOf(id),
      bytes: 130,
      partial: 'define-connection-limit',
      zone: zoneOf(id),
      zoneKb: ZONE_KB,
      variable: keyVariable('address'),
    },
  ],
});

/** Independent of the limit, so that a changed limit still counts the requests in progress. */
function zoneOf(id: string): string {
  return `connections_${id}`;
}
