import type { PublishedPort } from '../model/snapshot.ts';
import type { Stack, StackService } from './stack.ts';

/** Merges files as `docker stack deploy` does: a later file overrides fields of a service. */
export function mergeStacks(stacks: readonly Stack[]): Stack {
  return stacks.reduce<Stack>(
    (base, override) => ({
      services: mergeServices(base.services, override.services),
      // A later file replaces a network or a secret completely.
      networks: new Map([...base.networks, ...override.networks]),
      secrets: new Map([...base.secrets, ...override.secrets]),
    }),
    { services: new Map(), networks: new Map(), secrets: new Map() },
  );
}

function mergeServices(base: Stack['services'], override: Stack['services']): Stack['services'] {
  const merged = new Map(base);
  for (const [name, service] of override) {
    const below = base.get(name);
    merged.set(name, below === undefined ? service : mergeService(below, service));
  }
  return merged;
}

function mergeService(base: StackService, override: StackService): StackService {
  return {
    place: base.place,
    labelsPlace: override.labels.size > 0 ? override.labelsPlace : base.labelsPlace,
    labels: new Map([...base.labels, ...override.labels]),
    containerLabels: new Map([...base.containerLabels, ...override.containerLabels]),
    networks: new Map([...base.networks, ...override.networks]),
    mode: override.mode || base.mode,
    replicas: override.replicas ?? base.replicas,
    endpointMode: override.endpointMode || base.endpointMode,
    ports: [...new Map([...base.ports, ...override.ports].map((port) => [portKey(port), port])).values()],
  };
}

function portKey({ target, published, mode, protocol }: PublishedPort): string {
  return [target, published, mode, protocol].join(' ');
}
