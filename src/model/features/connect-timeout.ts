import { z } from 'zod';
import { label, seconds } from '../labels/label.ts';
import { feature } from './feature.ts';

/** The kernel gives up later attempts itself. */
const MOST_SECONDS = 75;

const connect_timeout = label({
  name: 'connect_timeout',
  policy: 'optional',
  type: 'time from 1s to 75s',
  default: 'the setting `ConnectTimeout`: 5s',
  example: '2s',
  description: 'Maximum time to connect to a task; then the next task is tried.',
  schema: seconds(1, MOST_SECONDS),
});

/** Maximum time to connect to a task, in seconds. */
export const connectTimeout = feature({
  labels: { connect_timeout },
  read: (reader) => reader.read(connect_timeout),
  message: z.int().min(1).max(MOST_SECONDS),
  conflict: 'connect_timeout',
  stage: 'service',
  explain: (seconds) => ({
    connect_timeout: `If a task does not accept the connection within ${seconds} s, the next task is tried.`,
  }),
  bytes: () => 90,
  partial: 'connect-timeout',
  view: (seconds) => ({ seconds }),
});
