import {
  clusterLabel,
  extensionSecretTarget,
  proxyTypeLabel,
  proxyTypeValue,
  roleLabel,
  servingFile,
  versionLabel,
  versionsFolder,
} from './names.ts';
import type { Cluster } from './settings.ts';
import type { OwnedRole, SwarmNode } from './snapshot.ts';

/** A service as the controller wants it, in our words; `docker/` turns it into the Engine's. */
export interface DesiredService {
  readonly role: OwnedRole;
  readonly cluster: string;
  readonly name: string;
  readonly image: string;
  readonly args: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly containerLabels: Readonly<Record<string, string>>;
  readonly networkIds: readonly string[];
  readonly configs: readonly MountedObject[];
  readonly secrets: readonly MountedObject[];
  readonly constraints: readonly string[];
  readonly preferences: readonly string[];
  readonly replicas: number;
  readonly ports: readonly DesiredPort[];
  readonly stopSignal: string;
  readonly stopGracePeriodMs: number;
  readonly updateDelayMs: number;
  readonly updateOrder: 'start-first' | 'stop-first';
  readonly healthCommand: string;
  readonly env: Readonly<Record<string, string>>;
  /** Volumes of the nodes, by the path at which tasks find them. */
  readonly volumes: Readonly<Record<string, string>>;
  /** Has the Engine's own little init in front, which clears away processes that nobody waits for. */
  readonly init: boolean;
}

/** A Docker config or secret and the path at which it appears. */
export interface MountedObject {
  readonly id: string;
  readonly name: string;
  readonly target: string;
}

export interface DesiredPort {
  readonly published: number;
  readonly target: number;
  readonly mode: 'ingress' | 'host';
}

/**
 * Extensions and proxies stay away from managers, unless the administrator says where they belong, or there is nowhere else.
 * An empty list in the settings therefore means: anywhere.
 */
export function placement(constraints: readonly string[] | null, nodes: readonly SwarmNode[]): readonly string[] {
  if (constraints !== null) return constraints;
  return hasWorkers(nodes) ? ['node.role==worker', 'node.platform.os==linux'] : ['node.platform.os==linux'];
}

export function hasWorkers(nodes: readonly SwarmNode[]): boolean {
  return nodes.some(({ role, active }) => role === 'worker' && active);
}

export function desiredExtension(
  cluster: Cluster,
  nodes: readonly SwarmNode[],
  networkId: string,
  secret: Omit<MountedObject, 'target'>,
): DesiredService {
  const { settings, name } = cluster;
  return {
    role: 'extension',
    cluster: name,
    name: settings.ServiceName,
    image: settings.Image,
    args: settings.Args,
    labels: { ...settings.Labels, ...ownLabels('extension', name) },
    containerLabels: settings.ContainerLabels,
    networkIds: [networkId],
    configs: [],
    secrets: [{ ...secret, target: extensionSecretTarget }],
    constraints: placement(settings.Constraints, nodes),
    preferences: settings.PlacementPreferences,
    replicas: 1,
    ports: [],
    stopSignal: 'SIGTERM',
    stopGracePeriodMs: 10_000,
    updateDelayMs: 0,
    updateOrder: 'start-first',
    healthCommand: '',
    env: {},
    volumes: {},
    init: false,
  };
}

export interface ProxyAttachments {
  /** The version that tasks are started for. */
  readonly version: string;
  readonly configs: readonly MountedObject[];
  readonly secrets: readonly MountedObject[];
  readonly networkIds: readonly string[];
}

export function desiredProxy(
  cluster: Cluster,
  nodes: readonly SwarmNode[],
  attachments: ProxyAttachments,
): DesiredService {
  const { settings, name } = cluster;
  const mode = settings.PublishMode;
  const { version, ...attached } = attachments;
  return {
    role: 'proxy',
    cluster: name,
    name: settings.ProxyServiceName,
    image: settings.ProxyImage,
    args: settings.ProxyArgs,
    labels: {
      ...settings.ProxyLabels,
      ...ownLabels('proxy', name),
      [proxyTypeLabel]: proxyTypeValue,
      [versionLabel]: version,
    },
    containerLabels: { ...settings.ProxyContainerLabels, [versionLabel]: version },
    ...attached,
    constraints: placement(settings.ProxyConstraints, nodes),
    preferences: settings.ProxyPlacementPreferences,
    replicas: settings.ProxyReplicas,
    ports: [
      { published: settings.PublishedPort, target: settings.TargetPort, mode },
      { published: settings.PublishedSSLPort, target: settings.TargetSSLPort, mode },
    ],
    stopSignal: settings.ProxyStopSignal,
    stopGracePeriodMs: settings.ProxyStopGracePeriod,
    updateDelayMs: settings.ProxyUpdateDelay,
    // A port published by a node can be held by one task only, so the old one must let go first.
    updateOrder: mode === 'ingress' ? 'start-first' : 'stop-first',
    healthCommand: healthCommand(version),
    ...(settings.HitlessServiceUpdate ? agentParts(cluster, version) : { env: {}, volumes: {}, init: false }),
  };
}

/**
 * Healthy means: nginx itself answers with the version that the agent has brought; where there is no agent, with the one that this
 * task was started for. A stock image has curl or wget.
 */
function healthCommand(version: string): string {
  const url = 'http://127.0.0.1:10246/version';
  const wanted = `$(cat ${servingFile} 2>/dev/null || echo ${version})`;
  return `(curl -fsS ${url} || wget -qO- ${url}) 2>/dev/null | grep -qxF "${wanted}"`;
}

/** What the agent beside nginx goes by. An image without an agent takes no notice. */
function agentParts({ settings, name }: Cluster, version: string) {
  return {
    env: {
      SIGNALBOX_CLUSTER: name,
      SIGNALBOX_EXTENSION: settings.ServiceName,
      SIGNALBOX_BOOT: version,
      SIGNALBOX_CONFIG_PATH: settings.ProxyConfigPath,
      SIGNALBOX_RELOAD_INTERVAL_MS: String(settings.ProxyReloadInterval),
      SIGNALBOX_TASK: '{{.Task.ID}}',
    },
    volumes: { [versionsFolder]: `${settings.ProxyServiceName}-versions` },
    init: true,
  };
}

function ownLabels(role: OwnedRole, cluster: string): Record<string, string> {
  return { [roleLabel]: role, [clusterLabel]: cluster };
}
