import { z } from 'zod';
import { type Host, parseHost } from '../hosts/host.ts';
import { label } from '../labels/label.ts';
import { invalidLabel } from '../labels/label-problems.ts';
import type { LabelReader } from '../labels/label-reader.ts';
import type { Route } from '../route.ts';

const hostName = z
  .string()
  .trim()
  .transform((value, context) => {
    const host = parseHost(value);
    if (typeof host !== 'string' && host.kind === 'exact') return host.name;
    context.addIssue('is not the name of a host');
    return z.NEVER;
  });

export const canonicalHostLabels = {
  canonical_host: label({
    name: 'canonical_host',
    policy: 'optional',
    type: 'one of the hosts',
    default: '',
    example: 'www.example.org',
    description:
      'Redirects requests for all other hosts of the route to this one with 308, keeping path, query and scheme; to HTTPS if `ssl_only` is `true`. Hosts with `redirects` are excepted.',
    schema: hostName,
  }),
} as const;

export function readCanonicalHost(reader: LabelReader, hosts: readonly Host[]): Pick<Route, 'canonicalHost'> {
  const canonicalHost = reader.read(canonicalHostLabels.canonical_host);
  if (canonicalHost === undefined) return {};
  if (hosts.some(({ kind, name }) => kind === 'exact' && name === canonicalHost)) return { canonicalHost };
  const remedy = `Add ${canonicalHost} to the hosts.`;
  reader.note(canonicalHostLabels.canonical_host, invalidLabel('is not one of the hosts', remedy));
  return {};
}
