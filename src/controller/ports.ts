import { RetryableError } from '../lib/retryable.ts';
import type { TaskRecord } from '../model/backends/task.ts';
import type { DesiredService } from '../model/own-services/owned-service.ts';
import type { RenderInput } from '../model/render-input.ts';
import type { IsSigned, ReadSecret, Sign } from '../model/secrets/encrypted-secrets.ts';
import type {
  NewObject,
  OwnedRole,
  OwnedService,
  OwnedTask,
  Snapshot,
  StoredObject,
  SwarmService,
} from '../model/snapshot.ts';
import type { ClusterOffer, RenderAnswer, Rendering, Reports, TaskAddresses } from '../model/version.ts';
import type { IdentitySecret } from './plan/observed.ts';

/** The controller's interface to the swarm, implemented for Docker, and in memory for tests. */
export interface Swarm {
  /** Returns the complete state or fails; never a part of it. */
  observe(chooseFollowed?: ChooseFollowed): Promise<Snapshot>;
  /** Tasks of a service, the newest first. Throws `ConflictError` if the service does not exist. */
  tasks(serviceId: string): Promise<readonly OwnedTask[]>;
  /** All known tasks of services. Throws `ConflictError` if one of the services does not exist. */
  serviceTasks(serviceIds: readonly string[]): Promise<readonly TaskRecord[]>;
  /** The last log lines of a task; empty if they are unavailable. */
  taskLog(taskId: string): Promise<string>;
  /**
   * Resolves to the ID. Throws `ConflictError` if an object with this name exists, because another controller created
   * it first.
   */
  createConfig(object: NewObject): Promise<string>;
  /** Content of a Docker config. */
  readConfig(id: string): Promise<string>;
  createSecret(object: NewObject): Promise<string>;
  removeConfig(id: string): Promise<void>;
  removeSecret(id: string): Promise<void>;
  createService(desired: DesiredService): Promise<void>;
  /** Throws `ConflictError` if the service has changed since it was observed, or was removed. */
  updateService(current: OwnedService, desired: DesiredService): Promise<void>;
  /** Changes only labels: restarts nothing. */
  labelService(current: OwnedService, labels: Readonly<Record<string, string>>): Promise<void>;
  /** Changes only the number of replicas and labels: replaces no task. */
  scaleService(current: OwnedService, replicas: number, labels: Readonly<Record<string, string>>): Promise<void>;
  removeService(id: string): Promise<void>;
}

/** Chooses the services whose running tasks are required; returns their IDs. */
export type ChooseFollowed = (services: readonly SwarmService[]) => readonly string[];

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
  /** The answer to an equal request, if it is known: asks nobody. */
  answerTo(service: string, input: RenderInput): RenderAnswer | undefined;
  /** The extension's last report about its agents; undefined before the first. */
  reports(service: string): Reports | undefined;
}

/** The controller's interface to the job that reads secrets. */
export interface SecretReader {
  /** What the job at this address has read; undefined while it does not answer. */
  read(address: string, cluster: string, signal: AbortSignal): Promise<readonly ReadSecret[] | undefined>;
}

/** Issues the identities of extensions and agents, signed by the controller's CA. */
export interface Credentials {
  /** The identity for all tasks of a role: an existing secret, or the name of a new one. */
  find(role: OwnedRole, cluster: string, existing: readonly StoredObject[]): IdentitySecret;
  /** The content of a new one. */
  issue(role: OwnedRole, cluster: string, name: string): Promise<NewObject>;
  readonly sign: Sign;
  readonly isSigned: IsSigned;
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
export class ConflictError extends RetryableError {
  override readonly name = 'ConflictError';
}

/** nginx rejects the configuration even without any service: the settings or the template are invalid. */
export class SettingsRejectedError extends RetryableError {
  override readonly name = 'SettingsRejectedError';
  override readonly retry = 'after-change';
}
