import { LONG_NAME } from '../../model/hosts/host.ts';
import { encodePath } from '../../model/path.ts';
import type { RouteTable } from '../../model/route-table/table.ts';
import { streamName } from '../../model/streams/stream-route.ts';
import type { StreamPort } from '../../model/streams/stream-table.ts';
import { OTHER_HOSTS } from '../../model/traffic.ts';

export interface NamedRoute {
  /** As shown in routes; `*` for unknown hosts. */
  readonly host: string;
  /** Undefined if the host has a single route, or if no route answered. */
  readonly path: string | undefined;
}

/** The hosts of a cluster by their names in nginx's configuration, with the paths of their routes. */
export class RouteNames {
  readonly #hosts = new Map<string, { readonly host: string; readonly paths: Paths }>();

  constructor({ servers, fallback }: Pick<RouteTable, 'servers' | 'fallback'>, ports: readonly StreamPort[] = []) {
    for (const { host, locations } of servers) {
      const name = host.kind === 'regex' ? `~^${host.name}$` : host.name;
      this.#hosts.set(name, { host: host.name, paths: pathsOf(locations) });
    }
    for (const port of ports) this.#hosts.set(streamName(port), { host: streamName(port), paths: servicesOf(port) });
    const unknown = { host: '*', paths: pathsOf(fallback) };
    for (const name of ['_', LONG_NAME, '']) this.#hosts.set(name, unknown);
  }

  /** Proxies can only name hosts of their own cluster; all others are counted together. */
  resolve(name: string, path: string): NamedRoute {
    const known = this.#hosts.get(name);
    if (known === undefined) return { host: OTHER_HOSTS, path: undefined };
    const { host, paths } = known;
    return { host, path: paths.size > 1 ? paths.get(path) : undefined };
  }
}

/** Services that share a port, in place of paths. */
function servicesOf({ servers, fallback }: StreamPort): Paths {
  const routed = [...servers, ...(fallback === undefined ? [] : [fallback])];
  return new Map(routed.map(({ route: { service } }) => [service.name, service.name]));
}

/** Routes by their path as the log has it. */
type Paths = ReadonlyMap<string, string>;

function pathsOf(locations: readonly { readonly path: string }[]): Paths {
  return new Map(locations.map(({ path }) => [encodePath(path) || '/', path || '/']));
}
