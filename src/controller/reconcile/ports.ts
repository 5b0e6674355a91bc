import type { DesiredService } from '../../model/owned-service.ts';
import type { RenderInput } from '../../model/render-input.ts';
import type { OwnedRole, OwnedService, OwnedTask, Snapshot, StoredObject, SwarmService } from '../../model/snapshot.ts';
import type { Offer, OffersState, Rendering, TaskAddresses } from '../../model/version.ts';

/** The loop's interface to the swarm, implemented for Docker, and in memory for tests. */
export interface Swarm {
  /** Returns the complete state or fails; never a part of it. */
  observe(signal: AbortSignal, chooseFollowed?: ChooseFollowed): Promise<Snapshot>;
  /** Tasks of a service, the newest first. Throws `ConflictError` if the service does not exist. */
  tasks(serviceId: string, signal: AbortSignal): Promise<readonly OwnedTask[]>;
  /** The last log lines of a task; empty if they are unavailable. */
  taskLog(taskId: string, signal: AbortSignal): Promise<string>;
  /**
   * Resolves to the ID. Throws `ConflictError` if an object with this name exists, because another controller created
   * it first.
   */
  createConfig(object: NewObject, signal: AbortSignal): Promise<string>;
  /** Content of a Docker config. */
  readConfig(id: string, signal: AbortSignal): Promise<string>;
  createSecret(object: NewObject, signal: AbortSignal): Promise<string>;
  removeConfig(id: string, signal: AbortSignal): Promise<void>;
  removeSecret(id: string, signal: AbortSignal): Promise<void>;
  createService(desired: DesiredService, signal: AbortSignal): Promise<void>;
  /** Throws `ConflictError` if the service has changed since it was observed, or was removed. */
  updateService(current: OwnedService, desired: DesiredService, signal: AbortSignal): Promise<void>;
  /** Changes only labels: restarts nothing. */
  labelService(current: OwnedService, labels: Readonly<Record<string, string>>, signal: AbortSignal): Promise<void>;
  /** Changes only the number of replicas and labels: replaces no task. */
  scaleService(
    current: OwnedService,
    replicas: number,
    labels: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<void>;
  removeService(id: string, signal: AbortSignal): Promise<void>;
}

/** Chooses the services whose running tasks are required; returns their IDs. */
export type ChooseFollowed = (services: readonly SwarmService[]) => readonly string[];

export interface NewObject {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly data: string;
}

/** The controller's interface to a cluster's extension. */
export interface Renderer {
  /**
   * Throws if the extension cannot be reached or rejects the settings themselves. With `boot`, one of the replicas that were started with that
   * version may load the result while the extension still tests it.
   */
  render(service: string, input: RenderInput, signal: AbortSignal, boot?: string): Promise<Rendering>;
  /** Drops an extension's last response: the next request is sent even if it is the same. */
  forget(service: string): void;
  /** Offers a version to the agents of replicas that were started with the version `boot`. */
  offer(service: string, offer: ClusterOffer, signal: AbortSignal): Promise<void>;
  /** Sends the extension the tasks that Swarm has, so that no agent reports for another task. */
  introduce(service: string, cluster: string, tasks: readonly TaskAddresses[], signal: AbortSignal): Promise<void>;
  /** The extension's last report about its agents; undefined before the first. */
  replicas(service: string): Replicas | undefined;
}

export interface ClusterOffer extends Offer {
  readonly cluster: string;
}

export interface Replicas extends OffersState {
  /**
   * Since when the extension has been connected without interruption, in milliseconds since the epoch: agents reconnect to a new extension one by
   * one.
   */
  readonly since: number;
}

/** Issues the identities of extensions and agents. */
export interface Credentials {
  /** An identity for all tasks of a role, signed by the controller's CA: an existing secret or the content of a new one. */
  issue(role: OwnedRole, cluster: string, existing: readonly StoredObject[]): Promise<StoredObject | NewObject>;
}

/** Stores administrators' decisions for all controllers. */
export interface AdministrationStore {
  /** The last saved decisions; undefined if there are none. */
  load(): Promise<SavedText | undefined>;
  /** Throws `ConflictError` if another controller has saved this revision or a later one. */
  save(saved: SavedText): Promise<void>;
}

export interface SavedText {
  /** Incremented with each change. */
  readonly revision: number;
  readonly text: string;
}

/** The swarm has changed since it was observed, and must be observed again. */
export class ConflictError extends Error {
  override readonly name = 'ConflictError';
}

/** The extension returned text that neither our templates nor the administrator's write. */
export class TextRefusedError extends Error {
  override readonly name = 'TextRefusedError';
}

/** nginx rejects the configuration even without any service: the settings or the template are invalid. */
export class SettingsRefusedError extends Error {
  override readonly name = 'SettingsRefusedError';
}
