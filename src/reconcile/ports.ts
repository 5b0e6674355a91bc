import type { SecretFacts } from '../model/material.ts';
import type { ReportedDoubts } from '../model/name-doubts.ts';
import type { DesiredService } from '../model/owned-service.ts';
import type { Problem } from '../model/problem.ts';
import type { RenderInput } from '../model/render-input.ts';
import type { OwnedRole, OwnedService, OwnedTask, Snapshot, StoredObject, SwarmService } from '../model/snapshot.ts';

/** What the loop needs of the world. The edges implement it; tests have a world in memory. */
export interface Swarm {
  /** The whole state, or an error: never a part of it. */
  observe(signal: AbortSignal, chooseFollowed?: ChooseFollowed): Promise<Snapshot>;
  /** Tasks of a service, the newest first. Throws `ConflictError` when the service is gone. */
  tasks(serviceId: string, signal: AbortSignal): Promise<readonly OwnedTask[]>;
  /** Last lines that a task wrote; empty where they can't be had. */
  taskLog(taskId: string, signal: AbortSignal): Promise<string>;
  /** Resolves to the id. Throws `ConflictError` where an object of that name exists: somebody was quicker. */
  createConfig(object: NewObject, signal: AbortSignal): Promise<string>;
  /** Content of a Docker config. */
  readConfig(id: string, signal: AbortSignal): Promise<string>;
  createSecret(object: NewObject, signal: AbortSignal): Promise<string>;
  removeConfig(id: string, signal: AbortSignal): Promise<void>;
  removeSecret(id: string, signal: AbortSignal): Promise<void>;
  createService(desired: DesiredService, signal: AbortSignal): Promise<void>;
  /** Throws `ConflictError` when the service is no longer as it was observed, or gone. */
  updateService(current: OwnedService, desired: DesiredService, signal: AbortSignal): Promise<void>;
  /** Changes labels alone: restarts nothing. */
  labelService(current: OwnedService, labels: Readonly<Record<string, string>>, signal: AbortSignal): Promise<void>;
  /** Changes the number of replicas, and labels: replaces no task. */
  scaleService(
    current: OwnedService,
    replicas: number,
    labels: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<void>;
  removeService(id: string, signal: AbortSignal): Promise<void>;
}

/** Chooses the services whose running tasks are needed; returns their ids. */
export type ChooseFollowed = (services: readonly SwarmService[]) => readonly string[];

export interface NewObject {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly data: string;
}

/** The extension of a cluster, as seen from the controller. */
export interface Renderer {
  /**
   * Throws when the extension can't be reached or refuses the settings as a whole. With `boot`, one of the replicas that were started with that
   * version may load the result while the extension still tests it.
   */
  render(service: string, input: RenderInput, signal: AbortSignal, boot?: string): Promise<Rendering>;
  /** Drops the last answer of an extension: the next question is asked even if it is the same. */
  forget(service: string): void;
  /** Has the agents of those replicas fetch a version that were started with the version `boot`. */
  offer(service: string, offer: VersionOffer, signal: AbortSignal): Promise<void>;
  /** Tells the extension which tasks Swarm has, so that no agent reports for another's. */
  introduce(service: string, cluster: string, tasks: readonly TaskAddresses[], signal: AbortSignal): Promise<void>;
  /** What the extension last told of its agents; undefined before it told anything. */
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
  /** Since when the extension is heard of without a break, in milliseconds since the epoch: agents come back to a new one one by one. */
  readonly since: number;
  /** The newest offer for each `boot`, and why the first replica did not take it. */
  readonly offers: readonly { readonly boot: string; readonly version: string; readonly refused: string | null }[];
  readonly replicas: readonly ReplicaReport[];
  /** What the newest replica found in its secrets. */
  readonly secrets: readonly SecretFacts[];
}

/** What the agent of a replica says of it. */
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
  /** Services that nginx refused, left out of the files. */
  readonly problems: readonly Problem[];
}

export interface ConfigurationFile {
  /** Relative to the folder of the main file. */
  readonly path: string;
  /** Names the content; of the main file, the whole version. */
  readonly digest: string;
  readonly text: string;
}

/** Makes what extensions, and the agents in proxies, need to prove who they are. */
export interface Credentials {
  /** Identity for all tasks of that role, signed by the controller's CA, ready to become a secret. */
  issue(role: OwnedRole, cluster: string, existing: readonly StoredObject[]): Promise<StoredObject | NewObject>;
}

/** Where what administrators decided is kept, for all controllers. */
export interface AdministrationStore {
  /** What was saved last; undefined where nothing was. */
  load(): Promise<SavedText | undefined>;
  /** Throws `ConflictError` where another controller has saved that revision, or a later one. */
  save(saved: SavedText): Promise<void>;
}

export interface SavedText {
  /** One more with each change. */
  readonly revision: number;
  readonly text: string;
}

/** The world has moved on since it was observed: look again. */
export class ConflictError extends Error {
  override readonly name = 'ConflictError';
}

/** The extension answered with text that neither our templates nor the administrator's write. */
export class TextRefusedError extends Error {
  override readonly name = 'TextRefusedError';
}

/** nginx refuses the configuration even without any service: the settings or the template are at fault. */
export class SettingsRefusedError extends Error {
  override readonly name = 'SettingsRefusedError';
}
