import { memoize, sameItems } from '../lib/memo.ts';
import { type ParsedService, parseService, type ServiceContext } from './parse-service.ts';
import type { SwarmService } from './snapshot.ts';

export interface RememberedService {
  readonly service: SwarmService;
  /** What else the parsing looked at. */
  readonly surroundings: readonly unknown[];
  readonly parsed: ParsedService;
}

/** Parses a service, unless neither it nor anything that its parsing looks at has changed. Routes that come out equal stay the same objects. */
export function parseAgain(
  service: SwarmService,
  context: ServiceContext,
  before: RememberedService | undefined,
): RememberedService {
  const surroundings = surroundingsOf(service, context);
  if (before?.service === service && sameItems(before.surroundings, surroundings)) return before;
  const { routes, problems } = parseService(service, context);
  const kept = routes.map((routed, position) => {
    const known = before?.parsed.routes[position];
    return known && JSON.stringify(known.route) === JSON.stringify(routed.route)
      ? { ...routed, route: known.route }
      : routed;
  });
  return { service, surroundings, parsed: { routes: kept, problems } };
}

/** Tasks on hosts come anew with each look, so that services that have some are parsed each time. */
function surroundingsOf(service: SwarmService, { networks, secrets, nodes, hostTasks, nodeCount }: ServiceContext) {
  return [
    ...service.networkIds.map((id) => networks.get(id)),
    namesSecrets(service) ? secrets : undefined,
    service.mode.kind === 'global' ? nodeCount : undefined,
    service.ports.length > 0 ? nodes : undefined,
    hostTasks.get(service.id),
  ];
}

const namesSecrets = memoize(({ labels }: SwarmService) => Object.keys(labels).some((label) => label.includes('ssl_')));
