import { memoize } from '../lib/memo.ts';
import { isOutside } from './authenticator-address.ts';
import { lackedProtection } from './features/features.ts';
import { LABEL_PREFIX } from './labels/label.ts';
import { parseService, type RoutedService, type ServiceContext } from './parse-service.ts';
import { pathKind } from './path-pattern.ts';
import { type Problem, shownValue } from './problem.ts';
import { problemKind } from './problem-kind.ts';
import { labelName, type Peer, type Route, type RouteOptions, unavailable } from './route.ts';
import { strippedRoot } from './route-table/location.ts';
import type { SwarmService } from './snapshot.ts';

export const askedUnreachable = problemKind({
  id: 'asked-service-unreachable',
  severity: 'error',
  meaning: `A route asks another service (forward_auth, fallback, mirror, error_pages) that the proxies cannot reach. Without its authenticator the route is closed; the other labels have no effect.`,
  reason: (service: string, fault: string, _remedy: string) => `asks service ${service}, which ${fault}`,
  remedy: (_service, _fault, remedy) => remedy,
  example: [
    'auth_web',
    'does not exist',
    'Name a service of the swarm, with or without the prefix of its stack, or an outside host with HTTPS.',
  ],
  at: 'com.docker.lb.forward_auth',
});

const STACK = 'com.docker.stack.namespace';

/** Options that name another service. */
type AskingOption = 'forwardAuth' | 'fallback' | 'mirror' | 'errorPages';

/** A service of the swarm that a route asks: who may enter, or for the answer. */
interface Asked {
  readonly option: AskingOption;
  readonly label: 'forward_auth' | 'fallback' | 'mirror' | 'error_pages';
  readonly name: string;
  readonly port: number;
  /** The path that is asked for; `/` for any. */
  readonly target: string;
}

/** Outside hosts need no service. */
const askedOf = memoize(({ route }: RoutedService): readonly Asked[] => {
  const { forwardAuth, fallback, mirror, errorPages } = route.options;
  return [
    ...(forwardAuth && !isOutside(forwardAuth.name)
      ? [{ option: 'forwardAuth', label: 'forward_auth', ...forwardAuth } as const]
      : []),
    ...(fallback ? [{ option: 'fallback', label: 'fallback', target: '/', ...fallback } as const] : []),
    ...(mirror ? [{ option: 'mirror', label: 'mirror', target: '/', ...mirror } as const] : []),
    ...(errorPages ? [{ option: 'errorPages', label: 'error_pages', target: '/', ...errorPages } as const] : []),
  ];
});

/** The names that a label may mean: a service of its own stack comes first, as in the DNS of its networks. */
function namesOf({ stack }: RoutedService, { name }: Asked): string[] {
  return [...(stack === '' ? [] : [`${stack}_${name}`]), name];
}

/**
 * Asked services on a network of a service that asks them. The service could ask them itself, so they need not be
 * published. They are treated as if they were, on that network, but without hosts.
 */
export function withAsked(
  routed: readonly RoutedService[],
  services: readonly SwarmService[],
  context: ServiceContext,
): readonly RoutedService[] {
  const asking = routed.flatMap((each) => askedOf(each).map((asked) => ({ each, asked })));
  if (asking.length === 0) return routed;
  const byName = new Map(services.map((service) => [service.name, service]));
  const found = new Map<string, RoutedService>();
  for (const { each, asked } of asking) {
    const service = namesOf(each, asked).flatMap((name) => byName.get(name) ?? [])[0];
    const network = context.networks.get(each.joinedNetworkId ?? '');
    if (!service || !network || !service.networkIds.includes(network.id)) continue;
    const key = JSON.stringify([service.name, network.name, asked.port, each.serviceCluster]);
    const own = found.has(key) ? undefined : asIfPublished(service, network.name, asked.port, each, context);
    if (own) found.set(key, own);
  }
  return [...routed, ...found.values()];
}

function asIfPublished(
  service: SwarmService,
  network: string,
  port: number,
  { serviceCluster }: RoutedService,
  context: ServiceContext,
): RoutedService | undefined {
  const stack = service.labels[STACK];
  const values = { hosts: 'authenticator.invalid', port: String(port), network, service_cluster: serviceCluster };
  const labels = Object.entries(values).map(([name, value]) => [LABEL_PREFIX + name, value] as const);
  const all = { ...Object.fromEntries(labels), ...(stack === undefined ? {} : { [STACK]: stack }) };
  const [routed] = parseService({ ...service, labels: all }, context).routes;
  return routed && { ...routed, route: { ...routed.route, hosts: [] }, isAsked: true };
}

/**
 * Fills in the tasks of asked services. Routes whose authenticator cannot be asked are closed: nobody is let in. Other
 * options have no effect then.
 */
export function resolveAsked(
  routed: readonly RoutedService[],
  services: readonly SwarmService[],
  cluster: string,
): { readonly routed: readonly RoutedService[]; readonly problems: readonly Problem[] } {
  const published = routed.filter(({ isAsked }) => !isAsked);
  if (published.every((each) => askedOf(each).length === 0)) return { routed: published, problems: [] };
  const byName = Map.groupBy(routed, ({ route }) => route.service.name);
  const existing = new Set(services.map(({ name }) => name));
  const problems: Problem[] = [];
  const resolved = published.map((each) => {
    const peers: Partial<Record<AskingOption, readonly Peer[]>> = {};
    const obstacles = askedOf(each).flatMap((asked) => {
      const name = namesOf(each, asked).find((name) => existing.has(name));
      const tasks = name === undefined ? NO_SERVICE : tasksOf(asked, byName.get(name) ?? [], each.joinedNetworkId);
      if ('peers' in tasks) peers[asked.option] = tasks.peers;
      return 'peers' in tasks ? [] : [{ asked, problem: toProblem(each.route, cluster, asked, name, tasks) }];
    });
    const isShut = obstacles.some(({ asked }) => asked.option === 'forwardAuth');
    // A route that is closed anyway needs no second reason.
    const isClosed = each.route.backend.kind === 'unavailable' && !each.route.backend.isIdle;
    if (!isClosed) problems.push(...obstacles.map(({ problem }) => problem));
    if (Object.keys(peers).length === 0) return isShut ? { ...each, route: unavailable(each.route) } : each;
    const route = asking(each.route)(JSON.stringify(peers));
    return { ...each, route: isShut ? unavailable(route) : route };
  });
  return { routed: resolved, problems };
}

interface Obstacle {
  readonly reason: string;
  readonly remedy: string;
}

const NO_SERVICE: Obstacle = {
  reason: 'does not exist',
  remedy: 'Name a service of the swarm, with or without the prefix of its stack, or an outside host with HTTPS.',
};

function tasksOf(
  asked: Asked,
  all: readonly RoutedService[],
  networkId: string | undefined,
): Obstacle | { readonly peers: readonly Peer[] } {
  const reached = all.flatMap((each) => {
    const { backend } = each.route;
    return backend.kind === 'peers' && backend.peers.some(({ port }) => port === asked.port)
      ? [{ each, peers: backend.peers }]
      : [];
  });
  const usable =
    reached.find(({ each }) => each.isAsked && each.networkId === networkId) ??
    reached.find(({ each }) => !each.isAsked && publishes(each.route, asked));
  if (usable) return { peers: usable.peers.map(({ maxFails, failTimeout, ...peer }) => peer) };
  if (reached.length > 0)
    return {
      reason: `publishes port ${asked.port}, but not this path to everybody`,
      remedy: 'Attach it to the network of the service that asks it, or publish the path without protection.',
    };
  return {
    reason: `has no task that the proxies reach on port ${asked.port}`,
    remedy: 'Attach it to the network of the service that asks it, or publish it on this port, and let it have a task.',
  };
}

/**
 * Whether everybody reaches the path of an asked service through the proxies anyway. Otherwise a label could have
 * proxies ask a service what clients may not.
 */
function publishes({ path, match, options, tls, maintenance }: Route, { target }: Asked): boolean {
  const isOpen = lackedProtection(options, {}).length === 0 && options.clientCertificate !== 'required' && !match;
  const isStripped = path !== '' && strippedRoot({ path, options }) === path;
  // The part of the service that clients reach. A backend path is put before the path that they write.
  const root = `${options.backendPath ?? ''}${isStripped ? '' : path}`;
  const asked = target.split('?')[0]!;
  const covers = pathKind(path) === 'prefix' && (asked === root || asked.startsWith(`${root}/`));
  return isOpen && covers && tls.kind !== 'passthrough' && maintenance === undefined;
}

/** The same object for the same tasks. */
const asking = memoize((route: Route) => {
  const known = new Map<string, Route>();
  return (found: string): Route => {
    const peers = JSON.parse(found) as Partial<Record<AskingOption, Peer[]>>;
    const filled = Object.entries(peers).map(([option, own]) => [
      option,
      { ...route.options[option as AskingOption], peers: own },
    ]);
    const options = { ...route.options, ...Object.fromEntries(filled) } as RouteOptions;
    const made = known.get(found) ?? { ...route, options };
    known.clear();
    known.set(found, made);
    return made;
  };
});

function toProblem(
  route: Route,
  cluster: string,
  { label, name: written }: Asked,
  name: string | undefined,
  { reason, remedy }: Obstacle,
): Problem {
  return {
    ...askedUnreachable(shownValue(name ?? written), reason, remedy),
    service: route.service.name,
    cluster,
    label: labelName(label, route.labels),
  };
}
