import { encodeCase, nameRelay } from '../../model/dns/name-case.ts';
import type { Affinity } from '../../model/features/affinity.ts';
import { balanceDirective } from '../../model/features/balance.ts';
import { cookieParameters, plainStickyCookie } from '../../model/features/sticky-cookie.ts';
import { hostAndPort } from '../../model/ipv6.ts';
import { needsNameRelay, type Peer } from '../../model/route.ts';
import type { Upstream } from '../../model/upstream.ts';

export function toUpstreamView(upstream: Upstream, hashesAddresses: boolean, isTrusting: boolean, isHttp = true) {
  const { name, peers: own, affinity, options } = upstream;
  const { balance, maxConnections, stickyCookie = plainStickyCookie } = options;
  const isRelayed = needsNameRelay(own);
  // The relay answers only encoded names.
  const peers = isRelayed ? own.map(withEncodedCase) : own;
  const hashesAddress =
    affinity.kind === 'address' || (affinity.kind === 'none' && balance === undefined && hashesAddresses);
  const hashedCookie = plainCookie(affinity);
  const isVirtual = peers.some(({ virtual }) => virtual);
  const isHashed = hashesAddress || hashedCookie !== undefined;
  const method = balance === undefined || isVirtual ? undefined : balanceDirective(balance, peers, isHttp);
  // nginx accepts no backup beside `hash` and `random`, and would send it the requests that exceed `max_conns`.
  const hasBackup = !isHashed && maxConnections === undefined && (method === undefined || method === 'least_conn');
  const last = peers.filter(({ maxFails }) => hasBackup && maxFails !== undefined && maxFails > 0);
  const most = maxConnections === undefined || isVirtual ? [] : [`max_conns=${maxConnections}`];
  return {
    name,
    resolver: isRelayed ? `${nameRelay.host}:${nameRelay.port}` : undefined,
    peers: [
      ...peers.map((peer) => toPeerView(peer, most)),
      ...last.map((peer) => toPeerView({ ...peer, maxFails: 0 }, ['backup'])),
    ],
    hashesAddress,
    addressHash: isTrusting ? 'hash $client_address' : 'ip_hash',
    hashedCookie,
    method,
    balances: !isHashed && !isVirtual && balance === undefined,
    routeCookie: affinity.kind === 'cookie' ? `${affinity.name}_route` : undefined,
    cookieParameters: cookieParameters(stickyCookie),
    // Swarm balances connections, not requests: with kept connections, new tasks would receive none.
    kept: isVirtual ? 0 : KEPT_CONNECTIONS,
  };
}

function withEncodedCase(peer: Peer): Peer {
  return peer.resolve ? { ...peer, address: encodeCase(peer.address) } : peer;
}

/**
 * If an application drops a request or answers with an invalid response, nginx counts it as a failure of the task and would then avoid the task for
 * all clients. So failures are not counted unless a label requires it. In that case the same tasks are listed once more, for when all are avoided.
 */
function toPeerView({ address, port, resolve, maxFails = 0, failTimeout }: Peer, more: readonly string[] = []) {
  return {
    endpoint: hostAndPort(address, port),
    resolve,
    limits: [`max_fails=${maxFails}`, ...(failTimeout && maxFails > 0 ? [`fail_timeout=${failTimeout}`] : []), ...more],
  };
}

/**
 * Idle connections to an upstream that a worker keeps. Beyond that number, each concurrent request opens a new connection. The ports of a busy
 * application then run out in TIME_WAIT, and nginx spends its time looking for a free one.
 */
const KEPT_CONNECTIONS = 256;

/** nginx variables contain no dashes or dots, so a cookie whose name has one has no variable. */
export function plainCookie(affinity: Affinity): string | undefined {
  return affinity.kind === 'cookie' && /^\w+$/.test(affinity.name) ? affinity.name : undefined;
}
