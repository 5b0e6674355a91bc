import { z } from 'zod';
import { label } from '../labels/label.ts';
import type { LabelReader } from '../labels/label-reader.ts';
import { isTls, protocolOf } from './backend-protocol.ts';
import { featureWithDefault } from './feature.ts';
import { upstreamHostOf } from './upstream-host.ts';

const labels = {
  ssl_backend_name: label({
    name: 'ssl_backend_name',
    policy: 'required',
    type: 'host name',
    default: "the request's host",
    example: 'app.internal',
    description:
      "Host name that the proxies send to the service over TLS (SNI). The service's certificate must be valid for it.",
    schema: z
      .string()
      .trim()
      .toLowerCase()
      .regex(/^[a-z0-9]([a-z0-9_.-]{0,251}[a-z0-9])?$/, 'is not the name of a host'),
  }),
};

/** Server name in TLS to the service; '' is the host that the client requested. */
export const backendName = featureWithDefault({
  labels,
  read: (reader): string => reader.read(labels.ssl_backend_name) ?? defaultName(reader),
  message: z.string().regex(/^[a-z0-9_.-]{0,253}$/),
  conflict: 'ssl_backend_name',
  deciding: () => ['ssl_backend_name', 'upstream_host'],
  stage: 'service',
  explain: (name) => ({
    ssl_backend_name:
      name === '' ? undefined : `With TLS to the service, the proxies send the host name ${name} (SNI).`,
  }),
  bytes: (name) => 2 * name.length,
});

/** A service that is asked for another host presents that host's certificate. */
function defaultName(reader: LabelReader): string {
  const host = upstreamHostOf(reader);
  return host !== undefined && isTls(protocolOf(reader)) ? host.replace(/:\d+$/, '') : '';
}
