import { z } from 'zod';
import { label } from '../labels/label.ts';
import { feature } from './feature.ts';

const modes = ['on', 'off', 'requests-off', 'responses-off'] as const;
type Mode = (typeof modes)[number];

const buffering = label<Mode>({
  name: 'buffering',
  policy: 'optional',
  type: '`on`, `off`, `requests-off` or `responses-off`',
  default: 'on',
  example: 'responses-off',
  description:
    'Whether the proxies buffer in memory. `on`: request bodies up to the setting `ClientBodyBufferSize` are read completely before the service receives them, and up to about 100 KB of a response is read ahead of a slow client. `requests-off`: every request body is streamed as it arrives; such requests are not retried. `responses-off`: each part of a response is sent immediately, also if the response has a length. `off`: both. No effect for gRPC, which is never buffered.',
  schema: z.string().trim().toLowerCase().pipe(z.enum(modes, 'is none of on, off, requests-off, responses-off')),
});

const EXPLAINED = {
  on: 'Small request bodies, and the beginning of responses to slow clients, are buffered in memory.',
  off: 'Request bodies and responses are streamed as they arrive. Requests with a body are not retried.',
  'requests-off': 'Request bodies are streamed as they arrive. Requests with a body are not retried.',
  'responses-off': 'Responses are sent to the client as they arrive.',
} as const;

/** What is buffered in memory. Nothing is ever buffered in files, because /tmp is memory. */
export const bufferingMode = feature({
  labels: { buffering },
  read: (reader) => reader.read(buffering),
  message: z.enum(modes),
  conflict: 'buffering',
  stage: 'service',
  explain: (mode) => ({ buffering: EXPLAINED[mode] }),
  bytes: () => 90,
  partial: 'buffering',
  view: (mode) => ({ buffersResponses: mode === 'on' || mode === 'requests-off' }),
});

/** Whether request bodies of any size are streamed. The location does so before it forwards the request. */
export function streamsRequests(mode: Mode | undefined): boolean {
  return mode === 'off' || mode === 'requests-off';
}
