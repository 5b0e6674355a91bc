import { clusterLabel, roleLabel } from '../model/names.ts';
import type {
  HostTask,
  OwnedRole,
  OwnedService,
  OwnedTask,
  PublishedPort,
  Rollout,
  ServiceMode,
  StoredObject,
  SwarmNetwork,
  SwarmNode,
  SwarmService,
} from '../model/snapshot.ts';
import type { EngineNetwork, EngineNode, EngineObject, EngineService, EngineTask } from './schema.ts';

/** The Engine's shapes into ours. Pure: recorded answers are enough to test it. */

export function toSwarmService(service: EngineService): SwarmService {
  const { Spec: spec } = service;
  return {
    id: service.ID,
    name: spec.Name,
    createdAt: service.CreatedAt,
    labels: spec.Labels,
    networkIds: networkIds(service),
    mode: toMode(service),
    endpointMode: spec.EndpointSpec?.Mode === 'dnsrr' ? 'dnsrr' : 'vip',
    ports: (service.Endpoint?.Ports ?? spec.EndpointSpec?.Ports ?? []).map(toPort),
  };
}

function networkIds({ Spec: { TaskTemplate: template, Networks: old } }: EngineService): string[] {
  return (template.Networks.length > 0 ? template.Networks : old).map(({ Target }) => Target);
}

function toMode({ Spec: { Mode: mode } }: EngineService): ServiceMode {
  // An absent number of replicas means one.
  if (mode?.Replicated) return { kind: 'replicated', replicas: mode.Replicated.Replicas ?? 1 };
  return mode?.Global ? { kind: 'global' } : { kind: 'job' };
}

type EnginePort = NonNullable<EngineService['Endpoint']>['Ports'][number];

function toPort(port: EnginePort): PublishedPort {
  return {
    target: port.TargetPort ?? 0,
    published: port.PublishedPort,
    mode: port.PublishMode === 'host' ? 'host' : 'ingress',
    protocol: port.Protocol ?? 'tcp',
  };
}

export function isOwned(service: EngineService): boolean {
  return service.Spec.Labels[roleLabel] !== undefined;
}

export function toOwnedService(service: EngineService): OwnedService {
  const { Spec: spec } = service;
  const container = spec.TaskTemplate.ContainerSpec;
  return {
    id: service.ID,
    name: spec.Name,
    role: spec.Labels[roleLabel] as OwnedRole,
    cluster: spec.Labels[clusterLabel] ?? '',
    labels: spec.Labels,
    index: service.Version.Index,
    networkIds: networkIds(service),
    configIds: configIds(container),
    previousConfigIds: configIds(service.PreviousSpec?.TaskTemplate.ContainerSpec),
    secretIds: (container?.Secrets ?? []).map(({ SecretID }) => SecretID),
    image: container?.Image ?? '',
    rollout: toRollout(service.UpdateStatus),
  };
}

function configIds(container: { readonly Configs: readonly { ConfigID: string }[] } | null | undefined): string[] {
  return (container?.Configs ?? []).map(({ ConfigID }) => ConfigID);
}

function toRollout(status: EngineService['UpdateStatus']): Rollout {
  const message = status?.Message ?? '';
  switch (status?.State) {
    case 'updating':
      return { kind: 'updating', startedAt: status.StartedAt ?? '' };
    case 'rollback_started':
      return { kind: 'rolling-back', startedAt: status.StartedAt ?? '', message };
    case 'rollback_completed':
      return { kind: 'rolled-back', message };
    case 'paused':
    case 'rollback_paused':
      return { kind: 'paused', message };
    default:
      return { kind: 'settled' };
  }
}

export function toSwarmNetwork(network: EngineNetwork): SwarmNetwork {
  return {
    id: network.Id,
    name: network.Name,
    driver: network.Driver ?? '',
    scope: network.Scope ?? '',
    ingress: network.Ingress ?? false,
  };
}

export function toSwarmNode(node: EngineNode): SwarmNode {
  return {
    id: node.ID,
    name: node.Description?.Hostname ?? node.ID,
    role: node.Spec.Role === 'manager' ? 'manager' : 'worker',
    ready: node.Status?.State === 'ready',
    active: node.Spec.Availability === 'active',
    address: nodeAddress(node),
  };
}

/** A manager may know itself by an address that means nothing elsewhere. */
function nodeAddress({ Status: status, ManagerStatus: manager }: EngineNode): string | undefined {
  const own = status?.Addr ?? '';
  if (own !== '' && own !== '0.0.0.0' && !own.startsWith('127.')) return own;
  return manager?.Addr?.replace(/:\d+$/, '') || undefined;
}

/** Published on their nodes, so that proxies reach them without a network of their own. */
export function hasHostPorts({ Spec: { EndpointSpec: endpoint } }: EngineService): boolean {
  return (endpoint?.Ports ?? []).some(({ PublishMode }) => PublishMode === 'host');
}

export function toHostTask(task: EngineTask): HostTask {
  return {
    serviceId: task.ServiceID,
    nodeId: task.NodeID ?? '',
    ports: (task.Status.PortStatus?.Ports ?? []).map(toPort),
  };
}

export function toStoredObject(object: EngineObject): StoredObject {
  return { id: object.ID, name: object.Spec.Name, createdAt: object.CreatedAt, labels: object.Spec.Labels };
}

export function toOwnedTask(task: EngineTask): OwnedTask {
  return {
    id: task.ID,
    serviceId: task.ServiceID,
    nodeId: task.NodeID || undefined,
    state: task.Status.State,
    desiredState: task.DesiredState,
    error: task.Status.Err || undefined,
    configIds: configIds(task.Spec.ContainerSpec),
    createdAt: task.CreatedAt,
  };
}
