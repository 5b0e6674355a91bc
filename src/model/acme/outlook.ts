import { shownValue } from '../problem.ts';
import { asGiven, type ProblemText, problemKind } from '../problem-kind.ts';
import { allowedIssuers, type CaaRecord } from './caa.ts';
import type { Issuer } from './issuers.ts';

/** What DNS says about a name. */
export interface DnsView {
  /** A and AAAA records; null if they are unknown. */
  readonly addresses: readonly string[] | null;
  /** The closest CAA records; null if they are unknown. */
  readonly caa: { readonly owner: string; readonly records: readonly CaaRecord[] } | null;
  /** Names of the CA in CAA records; empty if they are unknown. */
  readonly identities: readonly string[];
}

export interface OutlookInput {
  readonly name: string;
  readonly issuer: Issuer;
  readonly dns: DnsView;
  /** Addresses of the nodes, as they know each other. */
  readonly nodes: readonly string[];
  /** Public HTTP ports of the clusters that serve the name. */
  readonly httpPorts: readonly number[];
}

export const orderInDoubt = problemKind({
  id: 'acme-order-in-doubt',
  severity: ['warning', 'notice'],
  meaning: `What DNS or the settings say before an order: the CA may be unable to check the host. The certificate is ordered anyway.`,
  ...asGiven,
  example: ['app.example.org has no address in DNS', 'Create the DNS record of the host.'],
});

/**
 * Why the CA will probably refuse a certificate. Never a reason not to order: the CA sees other records than this swarm, and addresses of load
 * balancers are unknown here.
 */
export function outlook(input: OutlookInput): ProblemText[] {
  const overHttp = input.issuer.Challenge === 'http-01';
  return [...(overHttp ? [...judgeAddresses(input), ...judgePort(input)] : []), ...judgeCaa(input)];
}

function judgeAddresses({ name, dns: { addresses }, nodes }: OutlookInput): ProblemText[] {
  if (addresses === null) return [];
  const shown = shownValue(name);
  if (addresses.length === 0)
    return [
      orderInDoubt(
        `${shown} has neither an A nor an AAAA record, so the CA cannot reach it`,
        'Add one that leads to the proxies.',
      ),
    ];
  const known = nodes.filter(isPublic);
  // Nodes that know each other by private addresses have others, unknown ones, on the internet.
  const comparable = addresses.filter((address) => known.some((node) => isV6(node) === isV6(address)));
  if (comparable.length === 0 || comparable.some((address) => known.includes(address))) return [];
  return [
    {
      ...orderInDoubt(
        `${shown} leads to ${comparable.join(', ')}, which is no node of this swarm`,
        'Correct its A and AAAA records, unless a load balancer with this address forwards port 80 to the nodes.',
      ),
      severity: 'notice',
    },
  ];
}

function judgePort({ name, httpPorts }: OutlookInput): ProblemText[] {
  if (httpPorts.length === 0 || httpPorts.includes(80)) return [];
  return [
    {
      ...orderInDoubt(
        `the CA connects to ${shownValue(name)} on port 80, and the proxies publish port ${httpPorts.join(', ')}`,
        'Set PublishedPort = 80, or PublicPort = 80 if something in front of the proxies forwards port 80 to them.',
      ),
      severity: 'notice',
    },
  ];
}

function judgeCaa({ name, issuer, dns: { caa, identities } }: OutlookInput): ProblemText[] {
  if (caa === null) return [];
  const allowed = allowedIssuers(caa.records, name.startsWith('*.'));
  if (allowed === undefined) return [];
  const records = `the CAA records of ${shownValue(caa.owner)}`;
  const identity = identities[0] ?? 'the CA';
  const remedy = `Allow ${shownValue(identity)} in ${records}.`;
  if (allowed.length === 0) return [orderInDoubt(`${records} forbid certificates for ${shownValue(name)}`, remedy)];
  if (identities.length === 0) return [];
  const own = allowed.filter(({ domain }) => identities.some((each) => each.toLowerCase() === domain));
  if (own.length === 0) {
    const others = [...new Set(allowed.map(({ domain }) => domain))].join(', ');
    return [orderInDoubt(`${records} allow only ${others} to issue for ${shownValue(name)}`, remedy)];
  }
  if (own.some(({ methods }) => methods === undefined || methods.includes(issuer.Challenge))) return [];
  return [
    orderInDoubt(
      `${records} allow ${shownValue(identity)} only with ${own.flatMap(({ methods }) => methods ?? []).join(', ')}`,
      `Add ${issuer.Challenge} to validationmethods in ${records}, or change Challenge of issuer ${issuer.name}.`,
    ),
  ];
}

function isV6(address: string): boolean {
  return address.includes(':');
}

/** Private, shared, link-local and loopback networks. */
const NOT_PUBLIC =
  /^(?:0|10|127|169\.254|192\.168|172\.(?:1[6-9]|2\d|3[01])|100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7]))\.|^(?:::1?$|f[cde])/i;

function isPublic(address: string): boolean {
  return !NOT_PUBLIC.test(address);
}
