/** The observed state of the swarm, independent of Docker's API. Always complete. */
export interface Snapshot {
  readonly services: readonly SwarmService[];
  readonly networks: readonly SwarmNetwork[];
  readonly nodes: readonly SwarmNode[];
  /** Running tasks of routed services that publish ports on their nodes. */
  readonly hostTasks: readonly HostTask[];
  /** Running tasks of services that are reached at the addresses of their tasks. Absent if tasks are unknown, as in a compose file. */
  readonly tasks?: readonly ServiceTask[] | undefined;
  /** Running and desired tasks by service, from the last listing of all services. The same object until the next. Absent if unknown. */
  readonly taskCounts?: ReadonlyMap<string, TaskCounts> | undefined;
  /** Config objects created by the controller. */
  readonly configs: readonly StoredObject[];
  /** Names and labels of secrets; their content is never readable. */
  readonly secrets: readonly StoredObject[];
  /** The controller's own services: extensions and proxies. */
  readonly owned: readonly OwnedService[];
  /** Secrets that the controller's own service mounts. */
  readonly controllerSecretIds?: readonly string[];
}

export interface SwarmService {
  readonly id: string;
  readonly name: string;
  /** RFC 3339. The older service takes precedence. */
  readonly createdAt: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Labels of the containers that are probably intended for routing, which uses only the service's labels. */
  readonly containerLabels?: Readonly<Record<string, string>> | undefined;
  readonly networkIds: readonly string[];
  /** DNS names of its tasks, except those that Swarm or a stack gives every service. Absent if there are none. */
  readonly claims?: readonly NameClaim[] | undefined;
  /** Its virtual addresses (IPv4), by network. Kept only for services with routing labels. */
  readonly virtualAddresses?: Readonly<Record<string, string>> | undefined;
  /** Secrets that it mounts. Absent if there are none. */
  readonly secretIds?: readonly string[] | undefined;
  readonly mode: ServiceMode;
  readonly endpointMode: 'vip' | 'dnsrr';
  readonly ports: readonly PublishedPort[];
}

/** A DNS name of the service's tasks that its specification can choose freely. */
export interface NameClaim {
  readonly kind: 'alias' | 'hostname';
  /** As written. */
  readonly name: string;
  /** Networks on which it can be resolved. */
  readonly networkIds: readonly string[];
}

export type ServiceMode =
  | { readonly kind: 'replicated'; readonly replicas: number }
  | { readonly kind: 'global' }
  | { readonly kind: 'job' };

export interface PublishedPort {
  readonly target: number;
  readonly published: number | undefined;
  readonly mode: 'ingress' | 'host';
  readonly protocol: string;
}

export interface SwarmNetwork {
  readonly id: string;
  readonly name: string;
  readonly driver: string;
  readonly scope: string;
  readonly ingress: boolean;
  /** Labeled for the HTTP Routing Mesh of UCP 2. */
  readonly isMesh?: true | undefined;
  /** IPv4, such as `10.0.1.0/24`; absent until Swarm has assigned one. */
  readonly subnets?: readonly string[] | undefined;
}

export interface SwarmNode {
  readonly id: string;
  /** Its host name; for display only. */
  readonly name: string;
  readonly role: 'manager' | 'worker';
  readonly ready: boolean;
  readonly active: boolean;
  /** IP address at which the other nodes reach it; undefined while unknown. */
  readonly address: string | undefined;
  /** Labels of the node. Absent if there are none. */
  readonly labels?: Readonly<Record<string, string>> | undefined;
  /** Labels of its engine. Absent if there are none. */
  readonly engineLabels?: Readonly<Record<string, string>> | undefined;
  /** Absent until the node has described itself. */
  readonly platform?: Platform | undefined;
}

/** In Docker's format: `linux`, `x86_64`. Empty for any. */
export interface Platform {
  readonly os: string;
  readonly architecture: string;
}

/** Which nodes may run the tasks of a service, and how Swarm spreads them. */
export interface Placement {
  readonly constraints: readonly string[];
  /** The placement preferences, such as `node.labels.zone`, which Swarm applies before it spreads tasks over nodes. */
  readonly spreadOver: readonly string[];
  /** Platforms of the image. Empty for any. */
  readonly platforms: readonly Platform[];
}

export interface TaskCounts {
  readonly running: number;
  readonly desired: number;
}

export interface HostTask {
  readonly serviceId: string;
  readonly nodeId: string;
  readonly ports: readonly PublishedPort[];
}

/** A running task and its addresses (IPv4). */
export interface ServiceTask {
  readonly id: string;
  readonly serviceId: string;
  readonly nodeId: string;
  /** When it started running, in milliseconds since the epoch, by the clock of its node. */
  readonly since: number;
  /** By network. */
  readonly addresses: Readonly<Record<string, readonly string[]>>;
}

/** A Docker config or secret. */
export interface StoredObject {
  readonly id: string;
  readonly name: string;
  readonly createdAt: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** A Docker config or secret to create. */
export interface NewObject {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly data: string;
}

/** The current state of a service created by the controller. */
export interface OwnedService {
  readonly id: string;
  readonly name: string;
  readonly role: OwnedRole;
  readonly cluster: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Version index of the object, required for an update. */
  readonly index: number;
  readonly networkIds: readonly string[];
  /** See SwarmService. */
  readonly claims?: readonly NameClaim[] | undefined;
  readonly virtualAddresses?: Readonly<Record<string, string>> | undefined;
  readonly configIds: readonly string[];
  /** Configs of the specification that a roll-back would return to. */
  readonly previousConfigIds: readonly string[];
  readonly secretIds: readonly string[];
  readonly image: string;
  /** Undefined for global services. */
  readonly replicas?: number | undefined;
  readonly placement: Placement;
  /** Publishes ports on the nodes of its tasks, so Swarm never places two on one node. */
  readonly isOnHosts: boolean;
  readonly rollout: Rollout;
}

/** `reader` is the job that reads secrets. */
export type OwnedRole = 'extension' | 'proxy' | 'reader';

export type Rollout =
  | { readonly kind: 'settled' }
  | { readonly kind: 'updating'; readonly startedAt: string }
  /** `startedAt` is the start of the roll-out that is being rolled back. */
  | { readonly kind: 'rolling-back'; readonly startedAt: string; readonly message: string }
  | { readonly kind: 'rolled-back'; readonly message: string }
  | { readonly kind: 'paused'; readonly message: string };

/** A task of an owned service: the version that it was started for, and its state. */
export interface OwnedTask {
  readonly id: string;
  readonly serviceId: string;
  readonly nodeId: string | undefined;
  readonly state: string;
  readonly desiredState: string;
  readonly error: string | undefined;
  readonly configIds: readonly string[];
  readonly createdAt: string;
  /** By network. */
  readonly addresses: Readonly<Record<string, readonly string[]>>;
}
