import { isMeshNetwork } from '../model/labels/hrm-labels.ts';
import { routingContainerLabels } from '../model/labels/ignored-labels.ts';
import type { ServiceMode, Snapshot, SwarmNetwork, SwarmService } from '../model/snapshot.ts';
import { composeInvalid } from './check.ts';
import type { Finding } from './finding.ts';
import type { Stack, StackObject, StackService } from './stack.ts';

/** Node and port of tasks that do not run yet: an address reserved for documentation, and the first port that Docker assigns. */
const NODE = { id: 'node', name: 'node', role: 'worker', ready: true, active: true, address: '192.0.2.1' } as const;
const FIRST_PORT = 32_768;

/** The snapshot that the controller would observe on a swarm of one node with only this stack. */
export function toSnapshot(stack: Stack, stackName: string): Snapshot {
  const services = [...stack.services].map(([name, service]) => toSwarmService(name, service, stack, stackName));
  return {
    services,
    networks: uniqueNetworks(stack, stackName),
    nodes: [NODE],
    hostTasks: services
      .filter(({ ports }) => ports.some(({ mode }) => mode === 'host'))
      .map(({ id, ports }) => ({
        serviceId: id,
        nodeId: NODE.id,
        ports: ports.map((port, position) => ({ ...port, published: port.published ?? FIRST_PORT + position })),
      })),
    secrets: [...stack.secrets].map(([key, secret]) => {
      const name = fullName(key, secret, stackName);
      return { id: name, name, createdAt: '', labels: {} };
    }),
    configs: [],
    owned: [],
  };
}

function toSwarmService(name: string, service: StackService, stack: Stack, stackName: string): SwarmService {
  const full = `${stackName}_${name}`;
  const containerLabels = routingContainerLabels(valuesOf(service.containerLabels));
  return {
    id: full,
    name: full,
    createdAt: '',
    labels: { ...valuesOf(service.labels), 'com.docker.stack.namespace': stackName },
    ...(containerLabels === undefined ? {} : { containerLabels }),
    networkIds: networkKeys(service)
      .filter((key) => isDefined(stack, key))
      .map((key) => networkName(key, stack, stackName)),
    mode: toMode(service),
    endpointMode: service.endpointMode === 'dnsrr' ? 'dnsrr' : 'vip',
    ports: service.ports,
  };
}

function valuesOf(labels: StackService['labels']): Readonly<Record<string, string>> {
  return Object.fromEntries([...labels].map(([label, { value }]) => [label, value]));
}

function toMode({ mode, replicas }: StackService): ServiceMode {
  if (mode === 'global') return { kind: 'global' };
  return mode?.endsWith('-job') ? { kind: 'job' } : { kind: 'replicated', replicas: replicas ?? 1 };
}

function networkKeys({ networks }: StackService): readonly string[] {
  return networks.size > 0 ? [...networks.keys()] : ['default'];
}

function isDefined({ networks }: Stack, key: string): boolean {
  return key === 'default' || networks.has(key);
}

function networkName(key: string, { networks }: Stack, stackName: string): string {
  return fullName(key, networks.get(key), stackName);
}

function fullName(key: string, object: StackObject | undefined, stackName: string): string {
  return object?.name || (object?.external ? key : `${stackName}_${key}`);
}

function uniqueNetworks(stack: Stack, stackName: string): SwarmNetwork[] {
  const keys = new Set([...stack.networks.keys(), 'default']);
  const networks = [...keys].map((key) => toSwarmNetwork(networkName(key, stack, stackName), stack.networks.get(key)));
  return [...new Map(networks.map((network) => [network.id, network])).values()];
}

/** Networks of a single node to which services can be attached. */
const NODE_NETWORKS = ['bridge', 'host'];

function toSwarmNetwork(name: string, network: StackObject | undefined): SwarmNetwork {
  const isMesh = network !== undefined && isMeshNetwork(valuesOf(network.labels));
  const driver = network?.external && NODE_NETWORKS.includes(name) ? name : network?.driver || 'overlay';
  return {
    id: name,
    name,
    driver,
    scope: driver === 'overlay' ? 'swarm' : 'local',
    ingress: name === 'ingress',
    ...(isMesh ? { isMesh } : {}),
  };
}

/** Reports networks that are not defined. `docker stack deploy` rejects such a file. */
export function undefinedNetworks(stack: Stack): Finding[] {
  return [...stack.services].flatMap(([name, { networks }]) =>
    [...networks]
      .filter(([key]) => !isDefined(stack, key))
      .map(([key, place]) => ({
        ...composeInvalid(`is attached to the network ${key}, which is not defined`, 'Define it under "networks:".'),
        service: name,
        value: key,
        place,
      })),
  );
}
