import { z } from 'zod';
import { label, seconds } from '../labels/label.ts';
import { feature } from './feature.ts';

const MOST_SECONDS = 86_400;

const read_timeout = label({
  name: 'read_timeout',
  policy: 'optional',
  type: 'time from 1s to 24h',
  default: 'the setting `ReadTimeout`: 600s',
  example: '60s',
  description:
    'Maximum pause in a response; the client then receives 504, or the connection is closed. Also closes WebSockets and gRPC streams that are idle for this long in both directions: send pings more often, or raise it.',
  schema: seconds(1, MOST_SECONDS),
});

/** Maximum pause in a response, in seconds. */
export const readTimeout = feature({
  labels: { read_timeout },
  read: (reader) => reader.read(read_timeout),
  message: z.int().min(1).max(MOST_SECONDS),
  conflict: 'read_timeout',
  stage: 'response',
  explain: (seconds) => ({
    read_timeout: `If the response pauses for ${seconds} s, the client receives 504, or the connection is closed.`,
  }),
  bytes: () => 180,
  partial: 'read-timeout',
  view: (seconds) => ({ seconds }),
});
