/** What the controller sees of the swarm in one look, in our words. Complete or not at all. */
export interface Snapshot {
  readonly services: readonly SwarmService[];
  readonly networks: readonly SwarmNetwork[];
  readonly nodes: readonly SwarmNode[];
  /** Running tasks of routed services that publish ports on their nodes. */
  readonly hostTasks: readonly HostTask[];
  /** Running tasks of services that are reached at the addresses of their tasks. Absent if tasks are not known, as in a compose file. */
  readonly tasks?: readonly ServiceTask[] | undefined;
  /** Config objects that the controller made. */
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
  /** RFC 3339; the older service wins a tie. */
  readonly createdAt: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Labels of the containers that are probably meant for routing, which looks at those of the service alone. */
  readonly containerLabels?: Readonly<Record<string, string>> | undefined;
  readonly networkIds: readonly string[];
  /** DNS names that its tasks have besides those that Swarm or a stack gives every service. Absent if there are none. */
  readonly claims?: readonly NameClaim[] | undefined;
  /** Its virtual addresses (IPv4), by network. Kept only for services with routing labels. */
  readonly virtualAddresses?: Readonly<Record<string, string>> | undefined;
  /** Secrets that it mounts. Absent if there are none. */
  readonly secretIds?: readonly string[] | undefined;
  readonly mode: ServiceMode;
  readonly endpointMode: 'vip' | 'dnsrr';
  readonly ports: readonly PublishedPort[];
}

/** A DNS name of the service's tasks that its specification chooses freely. */
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
  /** Labelled for the HTTP Routing Mesh of UCP 2. */
  readonly isMesh?: true | undefined;
  /** IPv4, like `10.0.1.0/24`; absent while Swarm has chosen none. */
  readonly subnets?: readonly string[] | undefined;
}

export interface SwarmNode {
  readonly id: string;
  /** Its host name; shown, never relied on. */
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

/** As Docker writes it: `linux`, `x86_64`. Empty for any. */
export interface Platform {
  readonly os: string;
  readonly architecture: string;
}

/** Which nodes may run the tasks of a service, and how Swarm spreads them. */
export interface Placement {
  readonly constraints: readonly string[];
  /** What Swarm spreads tasks over before it spreads them over nodes, such as `node.labels.zone`. */
  readonly spreadOver: readonly string[];
  /** Platforms of the image. Empty for any. */
  readonly platforms: readonly Platform[];
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
  /** Since when it runs, in milliseconds since the epoch, by the clock of its node. */
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

/** A service that the controller made, as it stands. */
export interface OwnedService {
  readonly id: string;
  readonly name: string;
  readonly role: OwnedRole;
  readonly cluster: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Version index of the object, which an update must name. */
  readonly index: number;
  readonly networkIds: readonly string[];
  /** See SwarmService. */
  readonly claims?: readonly NameClaim[] | undefined;
  readonly virtualAddresses?: Readonly<Record<string, string>> | undefined;
  readonly configIds: readonly string[];
  /** Of the specification that a roll-back would return to. */
  readonly previousConfigIds: readonly string[];
  readonly secretIds: readonly string[];
  readonly image: string;
  /** Undefined where every node has one. */
  readonly replicas?: number | undefined;
  readonly placement: Placement;
  /** Publishes ports on the nodes of its tasks, so that Swarm never puts two on one node. */
  readonly isOnHosts: boolean;
  readonly rollout: Rollout;
}

export type OwnedRole = 'extension' | 'proxy';

export type Rollout =
  | { readonly kind: 'settled' }
  | { readonly kind: 'updating'; readonly startedAt: string }
  /** `startedAt` is when the roll-out started that is taken back. */
  | { readonly kind: 'rolling-back'; readonly startedAt: string; readonly message: string }
  | { readonly kind: 'rolled-back'; readonly message: string }
  | { readonly kind: 'paused'; readonly message: string };

/** A task of an owned service: which version it was started for, and how it fares. */
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
