import { z } from 'zod';
import { label } from '../labels/label.ts';
import { feature } from './feature.ts';

const SIZE = /^\d{1,9}[kKmMgG]?$/;

const max_body_size = label({
  name: 'max_body_size',
  policy: 'optional',
  type: 'size, or 0 for no limit',
  default: 'the setting `ClientMaxBodySize`: 32m; gRPC: no limit',
  example: '100m',
  description:
    'Maximum size of a request body. Larger requests receive 413. Large bodies are streamed to the service, so the limit does not affect the memory of the proxies. For gRPC, all messages of a stream count.',
  schema: z.string().trim().regex(SIZE, 'is not a size such as 100m'),
});

/** Maximum size of a request body, as nginx writes it. */
export const maxBodySize = feature({
  labels: { max_body_size },
  read: (reader) => reader.read(max_body_size),
  message: z.string().regex(SIZE),
  conflict: 'max_body_size',
  stage: 'limit',
  explain: (size) => ({
    max_body_size: /^0+\D?$/.test(size)
      ? 'The size of request bodies is not limited.'
      : `Requests with a body larger than ${size} receive 413.`,
  }),
  bytes: () => 60,
  partial: 'max-body-size',
  checks: true,
  view: (size) => ({ size }),
});
