import { isIPv4 } from 'node:net';
import { stackAlias } from '../../model/dns/aliases.ts';
import { asksForRoutes } from '../../model/labels/hrm.ts';
import { isMeshNetwork } from '../../model/labels/hrm-labels.ts';
import { routingContainerLabels } from '../../model/labels/ignored-labels.ts';
import { clusterLabel, roleLabel } from '../../model/names.ts';
import type {
  HostTask,
  NameClaim,
  OwnedRole,
  OwnedService,
  OwnedTask,
  Placement,
  Platform,
  PublishedPort,
  Rollout,
  ServiceMode,
  ServiceTask,
  StoredObject,
  SwarmNetwork,
  SwarmNode,
  SwarmService,
} from '../../model/snapshot.ts';
import type { EngineNetwork, EngineNode, EngineObject, EngineService, EngineTask } from './schema.ts';

/** Converts the Engine's types to the model. Pure, so recorded responses are enough to test it. */

export function toSwarmService(service: EngineService): SwarmService {
  const { Spec: spec } = service;
  const containerLabels = routingContainerLabels(spec.TaskTemplate.ContainerSpec?.Labels ?? {});
  return {
    id: service.ID,
    name: spec.Name,
    createdAt: service.CreatedAt,
    labels: spec.Labels,
    ...(containerLabels === undefined ? {} : { containerLabels }),
    networkIds: networkIds(service),
    ...toClaims(service),
    ...toSecretIds(service),
    ...(asksForRoutes(spec.Labels) ? toVirtualAddresses(service) : {}),
    mode: toMode(service),
    endpointMode: spec.EndpointSpec?.Mode === 'dnsrr' ? 'dnsrr' : 'vip',
    ports: (service.Endpoint?.Ports ?? spec.EndpointSpec?.Ports ?? []).map(toPort),
  };
}

type EngineSpec = Pick<EngineService['Spec'], 'Networks' | 'TaskTemplate'>;

function attachments({ TaskTemplate: template, Networks: old }: EngineSpec): EngineSpec['Networks'] {
  return template.Networks.length > 0 ? template.Networks : old;
}

function networkIds({ Spec }: EngineService): string[] {
  return attachments(Spec).map(({ Target }) => Target);
}

/** Most services have no previous specification. Until an update is complete, its tasks run too. */
function toClaims({ Spec: spec, PreviousSpec: previous, UpdateStatus: status }: EngineService): {
  claims?: NameClaim[];
} {
  const isUpdated = !previous || status?.State === 'completed';
  const usual = [spec.Name, stackAlias({ name: spec.Name, labels: spec.Labels })];
  const claims = [spec, ...(isUpdated ? [] : [previous])].flatMap(claimsIn).filter(({ name }) => !usual.includes(name));
  const unique = [...new Map(claims.map((claim) => [JSON.stringify(claim), claim])).values()];
  return unique.length === 0 ? {} : { claims: unique };
}

function toSecretIds({ Spec: spec }: EngineService): Pick<SwarmService, 'secretIds'> {
  const secrets = spec.TaskTemplate.ContainerSpec?.Secrets ?? [];
  return secrets.length === 0 ? {} : { secretIds: secrets.map(({ SecretID }) => SecretID) };
}

function claimsIn(spec: EngineSpec): NameClaim[] {
  const attached = attachments(spec);
  const aliases = attached.flatMap(({ Target, Aliases }) =>
    Aliases.map((name) => ({ kind: 'alias' as const, name, networkIds: [Target] })),
  );
  const hostname = spec.TaskTemplate.ContainerSpec?.Hostname ?? '';
  if (hostname === '') return aliases;
  return [...aliases, { kind: 'hostname', name: hostname, networkIds: attached.map(({ Target }) => Target) }];
}

function toVirtualAddresses({ Endpoint: endpoint }: EngineService): Pick<SwarmService, 'virtualAddresses'> {
  const addresses = (endpoint?.VirtualIPs ?? []).flatMap(({ NetworkID, Addr = '' }) => {
    const address = withoutPrefix(Addr);
    return isIPv4(address) ? [[NetworkID, address] as const] : [];
  });
  return addresses.length === 0 ? {} : { virtualAddresses: Object.fromEntries(addresses) };
}

/** `10.0.1.7/24` becomes `10.0.1.7`. */
function withoutPrefix(address: string): string {
  return address.replace(/\/\d+$/, '');
}

function toMode({ Spec: { Mode: mode } }: EngineService): ServiceMode {
  // The number of replicas defaults to one.
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
    ...toClaims(service),
    ...toVirtualAddresses(service),
    configIds: configIds(container),
    previousConfigIds: configIds(service.PreviousSpec?.TaskTemplate.ContainerSpec),
    secretIds: (container?.Secrets ?? []).map(({ SecretID }) => SecretID),
    image: container?.Image ?? '',
    replicas: spec.Mode?.Global ? undefined : (spec.Mode?.Replicated?.Replicas ?? 1),
    placement: toPlacement(spec),
    isOnHosts: hasHostPorts(service),
    rollout: toRollout(service.UpdateStatus),
  };
}

function toPlacement({ TaskTemplate: { Placement: placement } }: EngineSpec): Placement {
  return {
    constraints: placement?.Constraints ?? [],
    spreadOver: (placement?.Preferences ?? []).flatMap(({ Spread }) => Spread?.SpreadDescriptor ?? []),
    platforms: (placement?.Platforms ?? []).map(toPlatform),
  };
}

type EnginePlatform = NonNullable<NonNullable<EngineNode['Description']>['Platform']>;

function toPlatform({ OS: os = '', Architecture: architecture = '' }: EnginePlatform): Platform {
  return { os, architecture };
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
    ...(isMeshNetwork(network.Labels) ? { isMesh: true } : {}),
    ...toSubnets(network),
  };
}

function toSubnets({ IPAM: ipam }: EngineNetwork): Pick<SwarmNetwork, 'subnets'> {
  const subnets = (ipam?.Config ?? []).flatMap(({ Subnet = '' }) => (isIPv4(withoutPrefix(Subnet)) ? [Subnet] : []));
  return subnets.length === 0 ? {} : { subnets };
}

export function toSwarmNode(node: EngineNode): SwarmNode {
  return {
    id: node.ID,
    name: node.Description?.Hostname ?? node.ID,
    role: node.Spec.Role === 'manager' ? 'manager' : 'worker',
    ready: node.Status?.State === 'ready',
    active: node.Spec.Availability === 'active',
    address: nodeAddress(node),
    ...toNodeLabels(node),
    ...(node.Description?.Platform ? { platform: toPlatform(node.Description.Platform) } : {}),
  };
}

function toNodeLabels({ Spec, Description }: EngineNode): Pick<SwarmNode, 'labels' | 'engineLabels'> {
  const { Labels: engineLabels = {} } = Description?.Engine ?? {};
  const isAny = (labels: object) => Object.keys(labels).length > 0;
  return { ...(isAny(Spec.Labels) ? { labels: Spec.Labels } : {}), ...(isAny(engineLabels) ? { engineLabels } : {}) };
}

/** A manager may report an address of itself that is not valid on other nodes. */
function nodeAddress({ Status: status, ManagerStatus: manager }: EngineNode): string | undefined {
  const own = status?.Addr ?? '';
  if (own !== '' && own !== '0.0.0.0' && !own.startsWith('127.')) return own;
  const known = manager?.Addr?.replace(/:\d+$/, '') ?? '';
  return known === '' || known.startsWith('127.') ? undefined : known;
}

/** Tasks with ports published on their nodes, which proxies reach without a shared network. */
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

/** Addresses by network. */
function addressesOf(
  { NetworksAttachments: attached }: EngineTask,
  isWanted: (address: string) => boolean = () => true,
): Record<string, readonly string[]> {
  return Object.fromEntries(
    attached.map(({ Network, Addresses }) => [Network.ID, Addresses.map(withoutPrefix).filter(isWanted)]),
  );
}

export function toServiceTask(task: EngineTask): ServiceTask {
  return {
    id: task.ID,
    serviceId: task.ServiceID,
    nodeId: task.NodeID ?? '',
    since: Date.parse(task.Status.Timestamp ?? task.CreatedAt),
    addresses: addressesOf(task, (address) => isIPv4(address)),
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
    addresses: addressesOf(task),
  };
}
