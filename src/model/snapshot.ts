/** What the controller sees of the swarm in one look, in our words. Complete or not at all. */
export interface Snapshot {
  readonly services: readonly SwarmService[];
  readonly networks: readonly SwarmNetwork[];
  readonly nodes: readonly SwarmNode[];
  /** Running tasks of routed services that publish ports on their nodes. */
  readonly hostTasks: readonly HostTask[];
  /** Config objects that the controller made. */
  readonly configs: readonly StoredObject[];
  /** Names and labels of secrets; their content is never readable. */
  readonly secrets: readonly StoredObject[];
  /** The controller's own services: extensions and proxies. */
  readonly owned: readonly OwnedService[];
}

export interface SwarmService {
  readonly id: string;
  readonly name: string;
  /** RFC 3339; the older service wins a tie. */
  readonly createdAt: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly networkIds: readonly string[];
  readonly mode: ServiceMode;
  readonly endpointMode: 'vip' | 'dnsrr';
  readonly ports: readonly PublishedPort[];
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
}

export interface HostTask {
  readonly serviceId: string;
  readonly nodeId: string;
  readonly ports: readonly PublishedPort[];
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
  readonly configIds: readonly string[];
  /** Of the specification that a roll-back would return to. */
  readonly previousConfigIds: readonly string[];
  readonly secretIds: readonly string[];
  readonly image: string;
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
}
