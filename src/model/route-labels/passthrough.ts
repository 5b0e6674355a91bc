import { protectingLabels } from '../features/features.ts';
import { boolean, label } from '../labels/label.ts';
import type { LabelReader } from '../labels/label-reader.ts';
import type { RouteOptions, Tls } from '../route.ts';

export const passthroughLabels = {
  ssl_passthrough: label({
    name: 'ssl_passthrough',
    policy: 'protective',
    type: 'boolean',
    default: 'false',
    example: 'true',
    description:
      'Forwards TLS connections to the service unchanged, selected by the host name in the TLS handshake (SNI). Over HTTP, only `ssl_only` and `redirects` apply.',
    schema: boolean,
  }),
  ssl_passthrough_proxy_protocol: label({
    name: 'ssl_passthrough_proxy_protocol',
    policy: 'required',
    type: 'boolean',
    default: 'false',
    example: 'true',
    description:
      "Starts each forwarded TLS connection with a PROXY protocol header (version 1), which passes the client's address to the service.",
    schema: boolean,
  }),
} as const;

/** The proxies cannot read requests inside connections that they pass on. */
export function refuseUnprotected(reader: LabelReader, tls: Tls, options: RouteOptions): void {
  if (tls.kind !== 'passthrough') return;
  const reason = 'cannot protect the service: with ssl_passthrough, the proxies do not see requests over TLS';
  const remedy = 'Let the proxies terminate TLS with ssl_cert, or remove one of the two labels.';
  for (const label of protectingLabels(options)) reader.refuse(label, reason, remedy);
}
