import { z } from 'zod';
import { issuerOf } from '../acme/hosts.ts';
import type { Issuer, Issuers } from '../acme/issuers.ts';
import { label } from '../labels/label.ts';
import type { LabelReader } from '../labels/label-reader.ts';
import type { Route } from '../route.ts';
import type { RouteContext } from './context.ts';
import { passthroughLabels } from './passthrough.ts';

export const acmeLabels = {
  acme: label({
    name: 'acme',
    policy: 'protective',
    type: '`true`, `false`, `internal` or the name of an issuer',
    default: 'the setting `Acme` of the cluster',
    example: 'letsencrypt',
    description:
      'Orders and renews a certificate for each host from an ACME server: `true` uses the only table `[Acme.<name>]` in the settings, a name that one. `internal` is a CA of this installation, whose root clients must trust. The proxies terminate TLS. Until a certificate exists, the hosts answer 503. See [ACME](guides/acme.md).',
    schema: z
      .string()
      .trim()
      .toLowerCase()
      .regex(/^[a-z0-9][a-z0-9_-]{0,31}$/, 'is not true, false or the name of an issuer'),
  }),
} as const;

/** The issuer of the hosts' certificates; undefined if none is used, or the label is invalid. */
export function readIssuer(
  reader: LabelReader,
  { hosts, isDefault }: Pick<Route, 'hosts' | 'isDefault'>,
  { acme: { issuers }, cluster }: Pick<RouteContext, 'acme' | 'cluster'>,
): Issuer | undefined {
  const isWritten = reader.has('acme');
  const value = (isWritten ? reader.read(acmeLabels.acme) : cluster?.acme) ?? '';
  if (value === '' || value === 'false') return undefined;
  const other = otherSource(reader);
  if (other !== undefined && isWritten)
    reader.refuse(acmeLabels.acme, `contradicts ${other}`, 'Remove one of the two labels.');
  if (other !== undefined) return undefined;
  const issuer = issuerOf(value, issuers);
  if (issuer === undefined) refuseIssuer(reader, value, issuers);
  else if (hosts.length === 0 && isWritten && isDefault)
    reader.refuse(acmeLabels.acme, 'requires hosts', 'Set hosts beside default_backend.');
  return hosts.length === 0 ? undefined : issuer;
}

/** Another label that brings certificates. */
function otherSource(reader: LabelReader): string | undefined {
  const own = (['ssl_cert', 'ssl_key'] as const).find((name) => reader.has(name));
  return own ?? (reader.read(passthroughLabels.ssl_passthrough) ? 'ssl_passthrough' : undefined);
}

function refuseIssuer(reader: LabelReader, value: string, issuers: Issuers): void {
  const names = [...issuers.keys()].join(', ');
  const remedy =
    names === '' ? 'Add a table [Acme.<name>] to the settings, or use internal.' : `Name one of: ${names}.`;
  const reason = value === 'true' ? 'is true, but the settings do not have exactly one issuer' : 'is not an issuer';
  const isWritten = reader.has('acme');
  reader.refuse(
    acmeLabels.acme,
    isWritten ? reason : 'is missing, and the default of the cluster is not an issuer',
    remedy,
  );
}
