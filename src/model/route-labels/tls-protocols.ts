import { z } from 'zod';
import { label } from '../labels/label.ts';
import { ineffectiveLabel } from '../labels/label-problems.ts';
import type { LabelReader } from '../labels/label-reader.ts';
import type { RouteContext } from './context.ts';

/** The others are not safe. */
const SUPPORTED = ['TLSv1.2', 'TLSv1.3'];

export const tlsProtocolLabels = {
  ssl_protocols: label({
    name: 'ssl_protocols',
    policy: 'protective',
    type: '`TLSv1.3`, or `TLSv1.2,TLSv1.3`',
    default: 'the setting `SSLProtocols`',
    example: 'TLSv1.3',
    description:
      'TLS versions of the hosts, among those of the setting `SSLProtocols`. Handshakes with other versions fail; an old nginx in `ProxyImage` rejects the requests with 403 instead. Does not affect HTTP: set `ssl_only` as well.',
    schema: z
      .string()
      .transform((value) => value.split(/[\s,]+/).filter((protocol) => protocol !== ''))
      .refine(
        (protocols) => protocols.includes('TLSv1.3') && protocols.every((protocol) => SUPPORTED.includes(protocol)),
        'is neither TLSv1.3 nor TLSv1.2,TLSv1.3',
      )
      .transform((protocols) => SUPPORTED.filter((protocol) => protocols.includes(protocol)).join(' ')),
  }),
} as const;

/** In nginx's format; '' for those of the cluster. Undefined if the label cannot be used. */
export function readProtocols(reader: LabelReader, { cluster }: Pick<RouteContext, 'cluster'>): string | undefined {
  if (!reader.has('ssl_protocols')) return '';
  const wanted = reader.read(tlsProtocolLabels.ssl_protocols)?.split(' ');
  if (wanted === undefined || cluster === undefined) return undefined;
  const offered = cluster.tlsProtocols;
  const both = wanted.filter((protocol) => offered.includes(protocol));
  if (both.length === offered.length) return '';
  if (both.length > 0) return both.join(' ');
  reader.refuse(
    tlsProtocolLabels.ssl_protocols,
    `names no version that the cluster offers: ${offered.join(', ')}`,
    'Add the version to SSLProtocols in the settings, or remove the label.',
  );
  return undefined;
}

/** Whether a host that allows the versions `own` keeps what a service requires. */
export function keepsProtocols(required: string, own: string): boolean {
  return required === '' || (own !== '' && own.split(' ').every((protocol) => required.split(' ').includes(protocol)));
}

/** Without TLS there is nothing to restrict. Connections that are passed through cannot be. */
export function noteUnusedProtocols(reader: LabelReader, isPassedThrough: boolean): void {
  const definition = tlsProtocolLabels.ssl_protocols;
  if (reader.read(definition) === undefined) return;
  if (isPassedThrough) {
    const reason = 'cannot be enforced: with ssl_passthrough, the service terminates TLS';
    reader.refuse(definition, reason, 'Let the proxies terminate TLS with ssl_cert, or remove one of the two labels.');
  } else
    reader.note(definition, ineffectiveLabel('has no effect without a certificate', 'Set ssl_cert or acme as well.'));
}
