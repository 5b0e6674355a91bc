import type { Route } from '../route.ts';

/** What a proxy finds if it connects to an address behind an upstream. */
export const connectionFaults = ['refused', 'timedOut', 'unreachable'] as const;
export type ConnectionFault = (typeof connectionFaults)[number];

/** Failing connections to one server of an upstream: a name in Docker's DNS, or an address. */
export interface PeerFault extends Readonly<Record<ConnectionFault, number>> {
  readonly address: string;
  readonly port: number;
  /** Number of addresses behind the name. */
  readonly tasks: number;
}

/** What an agent reports about the servers to which its nginx connects. */
export interface ReportedFaults {
  readonly peers: readonly PeerFault[];
  /** The report could not hold all of them. */
  readonly hasMore: boolean;
}

/** Maximum number in one report. */
export const MAX_PEER_FAULTS = 128;

/** Failing connections to one port of a service. */
export interface PortFaults extends Readonly<Record<ConnectionFault, number>> {
  readonly port: number;
  readonly tasks: number;
}

export function failing(faults: Readonly<Record<ConnectionFault, number>>): number {
  return connectionFaults.reduce((sum, kind) => sum + faults[kind], 0);
}

/** The servers of all upstreams. */
export interface KnownPeers {
  /** The IDs of the services behind a server. */
  readonly services: ReadonlyMap<string, readonly string[]>;
  /** Number of servers that are addresses, by service and port: the services are reached at the addresses of their tasks. */
  readonly addresses: ReadonlyMap<string, number>;
}

export function knownPeers(routes: readonly Pick<Route, 'service' | 'backend'>[]): KnownPeers {
  const all = routes.flatMap(({ service: { id }, backend }) =>
    backend.kind === 'peers' ? backend.peers.map(({ address, port, resolve }) => ({ id, address, port, resolve })) : [],
  );
  const servers = new Map(all.map((server) => [`${server.id} ${peerKey(server)}`, server]));
  const services = new Map<string, string[]>();
  const addresses = new Map<string, number>();
  for (const { id, address, port, resolve } of servers.values()) {
    const key = peerKey({ address, port });
    services.set(key, [...(services.get(key) ?? []), id]);
    if (!resolve) addresses.set(`${id} ${port}`, (addresses.get(`${id} ${port}`) ?? 0) + 1);
  }
  return { services, addresses };
}

function peerKey({ address, port }: Pick<PeerFault, 'address' | 'port'>): string {
  return `${address}:${port}`;
}

/**
 * The faults of each service, by its ID: the port with the most failing tasks. Of several proxies, the one that sees the most counts. Reports about
 * servers that no route uses are ignored.
 */
export function faultsByService(
  reports: readonly ReportedFaults[],
  { services, addresses }: KnownPeers,
): ReadonlyMap<string, PortFaults> {
  const worst = new Map<string, PeerFault>();
  for (const fault of reports.flatMap(({ peers }) => peers)) {
    const known = worst.get(peerKey(fault));
    if (known === undefined || failing(fault) > failing(known)) worst.set(peerKey(fault), fault);
  }
  const found = [...worst].flatMap(([key, fault]) => (services.get(key) ?? []).map((id) => ({ id, fault })));
  return new Map(
    [...Map.groupBy(found, ({ id }) => id)].map(([id, own]) => {
      const byPort = Map.groupBy(own, ({ fault }) => fault.port);
      const ports = [...byPort].map(([port, same]) => {
        const total = sumOf(same.map(({ fault }) => fault));
        return { ...total, port, tasks: Math.max(total.tasks, addresses.get(`${id} ${port}`) ?? 0) };
      });
      return [id, ports.toSorted((a, b) => failing(b) - failing(a) || a.port - b.port)[0]!];
    }),
  );
}

function sumOf(faults: readonly PeerFault[]): Omit<PortFaults, 'port'> {
  const sum = (name: ConnectionFault | 'tasks') => faults.reduce((total, fault) => total + fault[name], 0);
  return { tasks: sum('tasks'), refused: sum('refused'), timedOut: sum('timedOut'), unreachable: sum('unreachable') };
}
