import { z } from 'zod';
import { boolean, label } from '../labels/label.ts';
import { featureWithDefault } from './feature.ts';
import type { FeatureOptions } from './features.ts';

const labels = {
  ssl_only: label({
    name: 'ssl_only',
    policy: 'protective',
    type: 'boolean',
    default: 'false',
    example: 'true',
    description:
      'Redirects HTTP requests to HTTPS: 301 for GET and HEAD, 308 for other methods. The path and query are kept.',
    schema: boolean,
  }),
};

/** Requests over HTTP are redirected to HTTPS. */
export const sslOnly = featureWithDefault({
  labels,
  read: (reader): boolean => reader.read(labels.ssl_only) ?? false,
  message: z.boolean(),
  conflict: 'ssl_only',
  stage: 'entry',
  explain: (isSet) => ({ ssl_only: isSet ? 'HTTP requests are redirected to HTTPS.' : undefined }),
  // Required client certificates have the same text, see usage.ts.
  bytes: () => 0,
});

/** Whether requests over HTTP are redirected to HTTPS: clients can present certificates only there. */
export function requiresTls({ sslOnly, clientCertificate }: Pick<FeatureOptions, 'sslOnly' | 'clientCertificate'>) {
  return sslOnly || clientCertificate === 'required';
}
