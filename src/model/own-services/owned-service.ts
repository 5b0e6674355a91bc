import {
  aliveFile,
  clusterLabel,
  extensionSecretTarget,
  proxyTypeLabel,
  proxyTypeValue,
  readerSecretTarget,
  registryLabel,
  roleLabel,
  servingFile,
  versionLabel,
  versionsFolder,
} from '../names.ts';
import { STATUS_SERVER } from '../proxy-places.ts';
import { secretFile } from '../secrets/secret-files.ts';
import type { Cluster } from '../settings/clusters.ts';
import { bytesOf } from '../size.ts';
import type { OwnedRole, SwarmNode } from '../snapshot.ts';
import { type DesiredPort, portsOf } from './proxy-ports.ts';
import { variables } from './variables.ts';

/** Limits of the job that reads secrets. */
const READER_BYTES = 256 * 1024 ** 2;
const READER_PIDS = 100;
/** For configurations that are tested; one of 10,000 services takes 15 MB. */
const EXTENSION_TMP_BYTES = 128 * 1024 ** 2;
/**
 * For the few request bodies that nginx has to write to a file because they cannot be streamed. A separate folder, so that clients cannot fill the
 * one to which the agent writes new versions.
 */
const BODIES_BYTES = 16 * 1024 ** 2;
const bodiesFolder = '/tmp/client-body';

/** The desired state of a service, independent of Docker's API; `docker/` converts it to the Engine's format. */
export interface DesiredService<Role extends string = OwnedRole> {
  readonly role: Role;
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
  /** `global`: one on each node. */
  readonly replicas: number | 'global';
  readonly ports: readonly DesiredPort[];
  readonly stopSignal: string;
  readonly stopGracePeriodMs: number;
  readonly updateDelayMs: number;
  readonly updateOrder: 'start-first' | 'stop-first';
  readonly health: HealthCheck;
  readonly env: Readonly<Record<string, string>>;
  /** Volumes on the nodes, by mount path. */
  readonly volumes: Readonly<Record<string, string>>;
  /** 0 for no limit. */
  readonly limits: { readonly memoryBytes: number; readonly pids: number };
  /** Folders in memory, by path, with their size in bytes. */
  readonly tmpfs: Readonly<Record<string, number>>;
  /** Runs the Engine's init process, which reaps zombie processes. */
  readonly init: boolean;
  /** Ends after its work and is not started again. It has no health check. */
  readonly isJob?: true;
}

export interface HealthCheck {
  /** A shell command; defaults to the health check of the image. */
  readonly command?: string;
  /** Engines before 25 wait this long before the first check, and DNS lists a task only once it is healthy. */
  readonly intervalMs: number;
  readonly timeoutMs: number;
}

/** A Docker config or secret and its mount path. */
export interface MountedObject {
  readonly id: string;
  readonly name: string;
  readonly target: string;
}

/**
 * Extensions and proxies do not run on managers, unless the administrator sets constraints or there are no other nodes. An empty list in the settings
 * therefore means any node.
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
    labels: { ...settings.Labels, ...ownLabels('extension', cluster) },
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
    // The image defines the program, which earlier releases lack.
    health: { intervalMs: 5000, timeoutMs: 10_000 },
    env: {},
    volumes: {},
    limits: { memoryBytes: bytesOf(settings.MemoryLimit), pids: settings.PidsLimit },
    tmpfs: { '/tmp': EXTENSION_TMP_BYTES },
    init: false,
  };
}

export interface ReaderParts {
  /** Public key of the cluster's proxies. */
  readonly publicKey: string;
  readonly identity: Omit<MountedObject, 'target'>;
  readonly networkId: string;
  /** Secrets to read. */
  readonly secrets: readonly Omit<MountedObject, 'target'>[];
}

/** The job that reads secrets: on a manager, on the control network only. */
export function desiredReader(
  cluster: Cluster,
  { publicKey, identity, networkId, secrets }: ReaderParts,
): DesiredService {
  const { settings, name, readerImage } = cluster;
  const wanted = secrets.map((secret) => ({ ...secret, file: secretFile(secret) }));
  return {
    role: 'reader',
    cluster: name,
    name: `${settings.ProxyServiceName}-secrets`,
    image: readerImage,
    args: ['node', '--max-semi-space-size=1', 'lib/secret-reader/main.js'],
    labels: ownLabels('reader', cluster),
    containerLabels: {},
    networkIds: [networkId],
    configs: [],
    // Under their IDs: a name could be that of another file.
    secrets: [
      ...secrets.map((secret) => ({ ...secret, target: secret.id })),
      { ...identity, target: readerSecretTarget },
    ],
    constraints: ['node.role==manager', 'node.platform.os==linux'],
    preferences: [],
    replicas: 1,
    ports: [],
    stopSignal: 'SIGTERM',
    stopGracePeriodMs: 1000,
    updateDelayMs: 0,
    updateOrder: 'stop-first',
    health: { intervalMs: 5000, timeoutMs: 5000 },
    env: {
      [variables.cluster]: name,
      [variables.recipient]: publicKey,
      [variables.secrets]: JSON.stringify(wanted),
    },
    volumes: {},
    limits: { memoryBytes: READER_BYTES, pids: READER_PIDS },
    tmpfs: {},
    init: false,
    isJob: true,
  };
}

export interface ProxyAttachments {
  /** The version that tasks are started for. */
  readonly version: string;
  readonly configs: readonly MountedObject[];
  readonly secrets: readonly MountedObject[];
  readonly networkIds: readonly string[];
  /** Virtual address of the extension on the control network; undefined while unknown. */
  readonly extensionAddress?: string | undefined;
  /**
   * Statements beyond our templates that the administrator permits the extension to write; absent if there are none.
   */
  readonly allowedText?: string | undefined;
  /** Subnets of the network on which the agents serve metrics without a token; none if they do not. */
  readonly metricsSubnets?: readonly string[] | undefined;
}

export function desiredProxy(
  cluster: Cluster,
  nodes: readonly SwarmNode[],
  attachments: ProxyAttachments,
): DesiredService {
  const { settings, name } = cluster;
  const mode = settings.PublishMode;
  const { version, extensionAddress, allowedText, metricsSubnets, ...attached } = attachments;
  return {
    role: 'proxy',
    cluster: name,
    name: settings.ProxyServiceName,
    image: settings.ProxyImage,
    args: settings.ProxyArgs,
    labels: {
      ...settings.ProxyLabels,
      ...ownLabels('proxy', cluster),
      [proxyTypeLabel]: proxyTypeValue,
      [versionLabel]: version,
    },
    containerLabels: { ...settings.ProxyContainerLabels, [versionLabel]: version },
    ...attached,
    constraints: placement(settings.ProxyConstraints, nodes),
    preferences: settings.ProxyPlacementPreferences,
    replicas: settings.ProxyReplicas,
    ports: portsOf(cluster),
    stopSignal: settings.ProxyStopSignal,
    stopGracePeriodMs: settings.ProxyStopGracePeriod,
    updateDelayMs: settings.ProxyUpdateDelay,
    // Only one task can hold a port published by a node, so the old task must release it first.
    updateOrder: mode === 'ingress' ? 'start-first' : 'stop-first',
    // The Engine starts a process for each check, which takes seconds on a node under heavy load.
    health: { command: healthCommand(version), intervalMs: 3000, timeoutMs: 8000 },
    limits: { memoryBytes: bytesOf(settings.ProxyMemoryLimit), pids: settings.ProxyPidsLimit },
    tmpfs: { '/tmp': bytesOf(settings.ProxyTmpSize), [bodiesFolder]: BODIES_BYTES },
    ...(settings.HitlessServiceUpdate
      ? agentParts(cluster, { version, extensionAddress, allowedText, metricsSubnets })
      : { env: {}, volumes: {}, init: false }),
  };
}

/** An agent without a sign of life for this time hangs. */
const AGENT_SILENCE_S = 15;

/**
 * Healthy means that nginx responds with the version that the agent has loaded, and that the agent is alive; without an agent, that nginx responds
 * with the version that this task was started for. A stock image has curl or wget.
 */
function healthCommand(version: string): string {
  const url = `http://${STATUS_SERVER}/version`;
  const wanted = `$(cat ${servingFile} 2>/dev/null || echo ${version})`;
  const age = `$(($(date +%s) - $(stat -c %Y ${aliveFile})))`;
  const isAlive = `{ [ ! -e ${aliveFile} ] || [ ${age} -lt ${AGENT_SILENCE_S} ]; }`;
  return `(curl -fsS ${url} || wget -qO- ${url}) 2>/dev/null | grep -qxF "${wanted}" && ${isAlive}`;
}

/** The agent's environment. An image without an agent ignores it. */
function agentParts(
  { settings, name }: Cluster,
  {
    version,
    extensionAddress,
    allowedText,
    metricsSubnets = [],
  }: Omit<ProxyAttachments, 'configs' | 'secrets' | 'networkIds'>,
) {
  return {
    env: {
      [variables.cluster]: name,
      [variables.extension]: settings.ServiceName,
      ...(extensionAddress === undefined ? {} : { [variables.extensionAddress]: extensionAddress }),
      // Set by the controller: the extension must not choose its own permissions.
      ...(allowedText === undefined ? {} : { [variables.allowedText]: allowedText }),
      ...(metricsSubnets.length === 0 ? {} : { [variables.metricsSubnets]: metricsSubnets.join(' ') }),
      [variables.boot]: version,
      [variables.configPath]: settings.ProxyConfigPath,
      [variables.reloadIntervalMs]: String(settings.ProxyReloadInterval),
      [variables.task]: '{{.Task.ID}}',
    },
    volumes: { [versionsFolder]: `${settings.ProxyServiceName}-versions` },
    init: true,
  };
}

/** Another secret is another label, so that the service is updated with its credentials. This replaces no task. */
function ownLabels(role: OwnedRole, { name, registrySecret }: Cluster): Record<string, string> {
  const registry = registrySecret === '' ? {} : { [registryLabel]: registrySecret };
  return { [roleLabel]: role, [clusterLabel]: name, ...registry };
}
