import { memoize } from '../lib/memo.ts';
import { labels } from './labels/labels.ts';
import { type ParsedService, parseService, type ServiceContext } from './parse-service.ts';
import type { HostTask, SwarmNetwork, SwarmService } from './snapshot.ts';

/** The inputs of parsing a service besides the service. */
type Surroundings = Partial<Pick<ServiceContext, 'secrets' | 'material' | 'secretUse' | 'nodes' | 'nodeCount'>> &
  Pick<ServiceContext, 'clusters'> & {
    readonly acme: ServiceContext['acme'] | undefined;
    readonly networks: readonly (SwarmNetwork | undefined)[];
    readonly tasks: readonly HostTask[] | undefined;
  };

export interface RememberedService {
  readonly service: SwarmService;
  readonly surroundings: Surroundings;
  readonly parsed: ParsedService;
}

/** Parses a service only if it or another input of parsing has changed. Equal routes stay the same objects. */
export function parseAgain(
  service: SwarmService,
  context: ServiceContext,
  before: RememberedService | undefined,
): RememberedService {
  if (before?.service === service && isAsBefore(before, context)) return before;
  const { routes, problems } = parseService(service, context);
  const kept = routes.map((routed, position) => {
    const known = before?.parsed.routes[position];
    return known && JSON.stringify(known.route) === JSON.stringify(routed.route)
      ? { ...routed, route: known.route }
      : routed;
  });
  return { service, surroundings: surroundingsOf(service, context), parsed: { routes: kept, problems } };
}

function surroundingsOf(service: SwarmService, context: ServiceContext): Surroundings {
  return {
    clusters: context.clusters,
    acme: usesAcme(service, context) ? context.acme : undefined,
    networks: service.networkIds.map((id) => context.networks.get(id)),
    tasks: context.hostTasks.get(service.id),
    ...(namesSecrets(service) || givesSecrets(context.clusters) || usesAcme(service, context)
      ? { secrets: context.secrets, material: context.material, secretUse: context.secretUse }
      : {}),
    ...(service.ports.length > 0 ? { nodes: context.nodes } : {}),
    ...(service.mode.kind === 'global' ? { nodeCount: context.nodeCount } : {}),
  };
}

/** Tasks on hosts are new objects in each snapshot, so services with such tasks are parsed each time. */
function isAsBefore({ service, surroundings }: RememberedService, context: ServiceContext): boolean {
  const { acme, networks, tasks, secrets, material, secretUse, nodes, nodeCount } = surroundings;
  return (
    surroundings.clusters === context.clusters &&
    (acme === undefined || acme === context.acme) &&
    tasks === context.hostTasks.get(service.id) &&
    (secrets === undefined || secrets === context.secrets) &&
    (material === undefined || material === context.material) &&
    (secretUse === undefined || secretUse === context.secretUse) &&
    (nodes === undefined || nodes === context.nodes) &&
    (nodeCount === undefined || nodeCount === context.nodeCount) &&
    networks.every((network, position) => network === context.networks.get(service.networkIds[position]!))
  );
}

/** Issuers and certificates matter to services with the label, or if the settings give it to some. */
function usesAcme(service: SwarmService, { clusters }: ServiceContext): boolean {
  return hasAcmeLabel(service) || givesAcme(clusters);
}

const hasAcmeLabel = memoize(({ labels: all }: SwarmService) =>
  Object.keys(all).some((name) => name.endsWith('.acme')),
);

/** Also of numbered groups. */
const secretLabels = Object.values(labels)
  .filter(({ type }) => type === 'name of a secret')
  .map(({ name }) => `.${name}`);

const givesAcme = memoize((clusters: ServiceContext['clusters']) =>
  [...clusters.values()].some(
    ({ acme, policies, defaults, enforced }) =>
      acme !== '' || [defaults, enforced, ...policies.values()].some((given) => given.has('acme')),
  ),
);

/** Which services the settings give secrets is not known before their labels are read. */
const givesSecrets = memoize((clusters: ServiceContext['clusters']) =>
  [...clusters.values()].some(({ policies, defaults, enforced }) =>
    [defaults, enforced, ...policies.values()].some((given) =>
      [...given.keys()].some((name) => secretLabels.includes(`.${name}`)),
    ),
  ),
);

const namesSecrets = memoize((service: SwarmService) =>
  Object.keys(service.labels).some((label) => secretLabels.some((name) => label.endsWith(name))),
);
