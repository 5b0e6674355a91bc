import type { SecretFacts } from '../../model/material.ts';
import type { ReportedDoubts } from '../../model/name-doubts.ts';
import type { DesiredService } from '../../model/owned-service.ts';
import type { Problem } from '../../model/problem.ts';
import type { RenderInput } from '../../model/render-input.ts';
import type { OwnedRole, OwnedService, OwnedTask, Snapshot, StoredObject, SwarmService } from '../../model/snapshot.ts';

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
  offer(service: string, offer: VersionOffer, signal: AbortSignal): Promise<void>;
  /** Sends the extension the tasks that Swarm has, so that no agent reports for another task. */
  introduce(service: string, cluster: string, tasks: readonly TaskAddresses[], signal: AbortSignal): Promise<void>;
  /** The extension's last report about its agents; undefined before the first. */
  replicas(service: string): Replicas | undefined;
}

/** A task of a proxy and its addresses on the control network. */
export interface TaskAddresses {
  readonly task: string;
  readonly addresses: readonly string[];
}

export interface VersionOffer extends Pick<Rendering, 'version' | 'files'> {
  readonly cluster: string;
  readonly boot: string;
}

export interface Replicas {
  /**
   * Since when the extension has been connected without interruption, in milliseconds since the epoch: agents reconnect to a new extension one by
   * one.
   */
  readonly since: number;
  /** The newest offer for each `boot`, and why the first replica rejected it. */
  readonly offers: readonly { readonly boot: string; readonly version: string; readonly refused: string | null }[];
  readonly replicas: readonly ReplicaReport[];
  /** Facts from the newest replica about its secrets. */
  readonly secrets: readonly SecretFacts[];
}

/** An agent's report about its replica. */
export interface ReplicaReport {
  readonly task: string;
  readonly boot: string;
  /** Null before nginx runs. */
  readonly serving: string | null;
  readonly refused: { readonly version: string; readonly message: string } | null;
  readonly doubts?: ReportedDoubts | undefined;
}

export interface Rendering {
  readonly version: string;
  /** The main file first; others are included by it. */
  readonly files: readonly ConfigurationFile[];
  /** Services that nginx rejected; they are omitted from the files. */
  readonly problems: readonly Problem[];
}

export interface ConfigurationFile {
  /** Relative to the folder of the main file. */
  readonly path: string;
  /** Identifies the content; for the main file, the complete version. */
  readonly digest: string;
  readonly text: string;
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
