import { compareHosts, type Host } from '../hosts/host.ts';
import { nearest } from '../labels/nearest.ts';
import type { RouteTable, VirtualServer } from '../route-table/table.ts';
import type { PassedOver } from './explanation.ts';
import { passOver } from './location.ts';

/** The routing of one host. */
export interface Site extends Omit<VirtualServer, 'host'> {
  readonly name: string;
  readonly because: readonly string[];
  readonly passedOver: readonly PassedOver[];
}

export function chooseSite(servers: readonly VirtualServer[], table: RouteTable, host: string): Site {
  const [server, ...outranked] = ranked(servers, host);
  if (server === undefined) return unknownHost(table, host);
  const passedOver = [
    ...outranked.flatMap((other) => passOver(other.host.name, other.locations, outranks(server.host))),
    ...passOver('*', table.fallback, `The default backend serves only hosts that match no service.`),
  ];
  const because = [`The host ${host} matches ${describeHost(server.host)}.`];
  return { ...server, name: server.host.name, because, passedOver };
}

/** Over TLS, only hosts with a certificate are known, unless the first match is passed through: nginx checks that earlier. */
export function chooseSecureSite(table: RouteTable, host: string): Site {
  const [first] = ranked(table.servers, host);
  if (first?.tls.kind === 'passthrough') return chooseSite(table.servers, table, host);
  const secured = table.servers.filter(({ tls }) => tls.kind === 'terminated' || tls.kind === 'closed');
  const site = chooseSite(secured, table, host);
  if (first === undefined || site.name !== '*') return site;
  // It is not passed through with unknown hosts, although nginx does not know it either.
  const tls = site.tls.kind === 'passthrough' ? ({ kind: 'none' } as const) : site.tls;
  return {
    ...site,
    tls,
    because: [`The host ${host} matches ${describeHost(first.host)}, which has no certificate.`],
  };
}

function ranked(servers: readonly VirtualServer[], host: string): VirtualServer[] {
  return servers.filter((candidate) => answersTo(candidate.host, host)).toSorted((a, b) => compareRank(a.host, b.host));
}

function unknownHost({ servers, fallback, fallbackTls }: RouteTable, host: string): Site {
  const because = [`No service matches the host ${host}.${suggestion(servers, host)}`];
  const last = fallback.length > 0 ? 'The default backend serves such hosts.' : 'There is no default backend.';
  const unused = { redirect: undefined, secureRedirect: undefined, canonical: undefined, thumbprint: undefined };
  const nothing = { ...unused, pathRedirects: [] };
  return {
    ...nothing,
    name: '*',
    maintenance: undefined,
    passedOver: [],
    tls: fallbackTls,
    locations: fallback,
    because: [...because, last],
  };
}

export function answersTo({ kind, name }: Host, host: string): boolean {
  if (kind === 'exact') return name === host;
  if (kind === 'wildcard') return host.endsWith(name.slice(1));
  return new RegExp(`^(?:${name})$`).test(host);
}

const HOST_KINDS = { exact: 'the exact name', wildcard: 'the wildcard', regex: 'the regular expression' } as const;

function describeHost({ kind, name }: Host): string {
  return `${HOST_KINDS[kind]} ${name}`;
}

function outranks(winner: Host): string {
  return `Its host matches too, but ${describeHost(winner)} takes precedence: exact names, then wildcards, then regular expressions, each the longest first.`;
}

/** nginx finds the longest wildcard itself, so the table need not be in this order. */
function compareRank(a: Host, b: Host): number {
  return (a.kind === 'wildcard' && b.kind === 'wildcard' && b.name.length - a.name.length) || compareHosts(a, b);
}

function suggestion(servers: readonly VirtualServer[], host: string): string {
  const guess = nearest(
    host,
    servers.map(({ host }) => host.name),
  );
  return guess === undefined ? '' : ` Did you mean ${guess}?`;
}
