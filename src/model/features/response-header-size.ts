import { z } from 'zod';
import { label } from '../labels/label.ts';
import { responseBuffers } from '../response-buffers.ts';
import { feature } from './feature.ts';

/** A proxy uses this much memory for each response. */
const MOST_KB = 256;

const response_header_size = label({
  name: 'response_header_size',
  policy: 'optional',
  type: 'size from 4k to 256k',
  default: 'the setting `ResponseHeaderSize`: 32k',
  example: '64k',
  description:
    'Maximum size of the response headers, including cookies. If the headers are larger, the client receives 502.',
  schema: z
    .string()
    .trim()
    .regex(/^\d{1,3}[kK]$/, 'is not a size such as 64k')
    .transform((value) => Number.parseInt(value, 10))
    .refine((kb) => kb >= 4 && kb <= MOST_KB, `is not between 4k and ${MOST_KB}k`),
});

/** Buffer for the headers of a response, in KiB; the previous release sends 0 for the cluster's setting. */
export const responseHeaderSize = feature({
  labels: { response_header_size },
  read: (reader) => reader.read(response_header_size),
  message: z.int().min(0).max(MOST_KB),
  conflict: 'response_header_size',
  stage: 'response',
  explain: (kb) => ({
    response_header_size: kb > 0 ? `Responses with headers larger than ${kb}k result in 502.` : undefined,
  }),
  bytes: (kb) => (kb > 0 ? 190 : 0),
  partial: 'response-header-size',
  view: (kb) => (kb > 0 ? { buffers: responseBuffers(kb) } : undefined),
});
