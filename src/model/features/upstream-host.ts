import { z } from 'zod';
import { label } from '../labels/label.ts';
import type { LabelReader } from '../labels/label-reader.ts';
import { feature } from './feature.ts';
import { REPEATED_BYTES, REPEATED_BYTES_WITH_UNDERSCORES } from './request-headers.ts';

/** The `Host` header that the service receives. */
interface UpstreamHost {
  readonly host: string;
  /** The location repeats the spellings of headers with underscores. */
  readonly acceptsUnderscores?: true | undefined;
}

const HOST = /^[a-z0-9](?:[a-z0-9_.-]{0,251}[a-z0-9])?(?::\d{1,5})?$/;

const upstream_host = label({
  name: 'upstream_host',
  policy: 'optional',
  type: 'host name, with or without a port',
  default: "the request's host",
  example: 'app.internal',
  description:
    'Host name that the service receives in the `Host` header. With TLS to the service, also the name that `ssl_backend_name` defaults to. `X-Forwarded-Host` keeps the host that the client requested.',
  schema: z.string().trim().toLowerCase().regex(HOST, 'is not the name of a host'),
});

export const upstreamHost = feature({
  labels: { upstream_host },
  read(reader, { cluster }): UpstreamHost | undefined {
    const host = reader.read(upstream_host);
    if (host === undefined) return undefined;
    return { host, ...(cluster?.acceptsUnderscores ? { acceptsUnderscores: true } : {}) };
  },
  message: z.object({ host: z.string().regex(HOST), acceptsUnderscores: z.literal(true).optional() }),
  conflict: 'upstream_host',
  stage: 'request',
  explain: ({ host }) => ({ upstream_host: `The service receives the host ${host} in the header Host.` }),
  bytes: ({ acceptsUnderscores }) => (acceptsUnderscores ? REPEATED_BYTES_WITH_UNDERSCORES : REPEATED_BYTES),
  requestHeaders: ({ host }) => [{ name: 'Host', text: host }],
});

/** Undefined if the service receives the host that the client requested. */
export function upstreamHostOf(reader: LabelReader): string | undefined {
  return reader.peek(upstream_host);
}
