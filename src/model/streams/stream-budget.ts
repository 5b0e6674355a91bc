import { limitExceeded } from '../budget.ts';
import type { Problem } from '../problem.ts';
import { compareOwners } from '../route.ts';
import { portLabel, type StreamRoute, streamNames } from './stream-route.ts';

const KIB = 1024;
/** Of the main configuration file. Also limits the zones of `connection_limit`. */
export const STREAM_SERVICE_BYTES = 48 * KIB;
export const STREAM_CLUSTER_BYTES = 160 * KIB;
/** One server, without its names. */
const BYTES_PER_SERVER = 700;
const BYTES_PER_ADDRESS = 20;
/** A zone of 1 MiB counts like this much text, so a service can have 24 of them. */
const BYTES_PER_ZONE = 2 * KIB;

/** Upper bound for the text of a route, independent of its tasks. */
export function streamBytes({ hosts, tls, options }: StreamRoute): number {
  const { allow = [], deny = [], connectionLimit } = options;
  const certificate = tls.kind === 'terminated' ? 3 * tls.certificate.length + 30 * tls.alpn.length : 0;
  const lists = [...allow, ...deny].reduce((sum, entry) => sum + entry.length + BYTES_PER_ADDRESS, 0);
  const one = BYTES_PER_SERVER + certificate + lists;
  const names = hosts.reduce((sum, { name }) => sum + name.length, 0);
  return Math.max(1, hosts.length) * one + names + (connectionLimit === undefined ? 0 : BYTES_PER_ZONE);
}

/** Limits services to the capacity of the cluster's configuration, the oldest services first. */
export function keepStreamsWithin(streams: readonly StreamRoute[], cluster: string) {
  const used = new Map<string, number>();
  let total = 0;
  const problems: Problem[] = [];
  const byAge = streams.toSorted((a, b) => compareOwners(a.service, b.service));
  const kept = byAge.filter((route) => {
    const { id } = route.service;
    const bytes = streamBytes(route);
    const own = (used.get(id) ?? 0) + bytes;
    const isWithin = own <= STREAM_SERVICE_BYTES && total + bytes <= STREAM_CLUSTER_BYTES;
    if (!isWithin) {
      problems.push(tooLarge(route, cluster, own > STREAM_SERVICE_BYTES));
      return false;
    }
    used.set(id, own);
    total += bytes;
    return true;
  });
  return { kept, problems };
}

function tooLarge(route: StreamRoute, cluster: string, isOfService: boolean): Problem {
  const { name: service } = route.service;
  const label = portLabel(route);
  const reason = isOfService
    ? `${service} needs more than ${STREAM_SERVICE_BYTES / KIB} KiB of configuration for TCP and UDP, the share of one service`
    : `${service} finds no room in cluster ${cluster}, whose older services use most of ${STREAM_CLUSTER_BYTES / KIB} KiB for TCP and UDP`;
  const remedy = 'Use fewer hosts, a wildcard such as *.example.org, or shorter address lists.';
  return {
    ...limitExceeded(reason, remedy),
    service,
    cluster,
    label,
    affects: [{ service, label, routes: streamNames(route) }],
  };
}
