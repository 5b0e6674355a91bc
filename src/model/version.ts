import type { ReportedFaults } from './backends/connections.ts';
import type { ReportedDoubts } from './dns/name-doubts.ts';
import type { Problem } from './problem.ts';
import type { SecretFacts } from './secrets/secret-facts.ts';

export interface ConfigurationFile {
  /** Relative to the folder of the main file. */
  readonly path: string;
  /** Identifies the content; for the main file, the complete version. */
  readonly digest: string;
  readonly text: string;
}

/** A rendered configuration. */
export interface Version {
  readonly version: string;
  /** The main file first; others are included by it. */
  readonly files: readonly ConfigurationFile[];
}

/** What an extension returns to the controller. */
export interface Rendering extends Version {
  /** Services that nginx rejected; they are omitted from the files. */
  readonly problems: readonly Problem[];
}

/** A rendered configuration, or why there is none: nginx rejects the settings, or the text contains what is not allowed. */
export type RenderAnswer =
  | { readonly kind: 'rendered'; readonly rendering: Rendering }
  | { readonly kind: 'settings-rejected' | 'text-rejected'; readonly message: string };

/** A version for the tasks that Swarm started with the version `boot`, and so with the same secrets and networks. */
export interface Offer extends Version {
  readonly boot: string;
}

/** The extension's signature of a version for one specification; see `protocol/seal.ts`. */
export interface Seal {
  /** The extension's certificate, in PEM. */
  readonly certificate: string;
  /** Base64. */
  readonly signature: string;
}

/** A version on a proxy's disk. */
export interface StoredVersion {
  readonly version: string;
  readonly files: readonly StoredFile[];
  /** Absent in versions from extensions of earlier releases. */
  readonly seal?: Seal | undefined;
}

export interface StoredFile extends Omit<ConfigurationFile, 'text'> {
  /** Absolute path. */
  readonly at: string;
}

export interface Rejection {
  readonly version: string;
  /** nginx's error message. */
  readonly message: string;
}

/** The state of a replica, according to its agent. */
export interface ReplicaReport {
  readonly task: string;
  readonly boot: string;
  /** Null before nginx runs. */
  readonly serving: string | null;
  /** The last version that this replica rejected, until it accepts another one. */
  readonly refused: Rejection | null;
  /** Names with wrong answers from Docker's DNS; absent if there are none. */
  readonly doubts?: ReportedDoubts | undefined;
  /** Servers that it cannot connect to; absent if there are none. */
  readonly faults?: ReportedFaults | undefined;
}

/** An agent's report to the extension. */
export interface AgentReport extends ReplicaReport {
  /** The version that nginx has just loaded, while old workers may still serve the previous one; otherwise null. */
  readonly loaded: string | null;
  /** Facts about the task's secrets; they never change during its lifetime. */
  readonly secrets: readonly SecretFacts[];
}

/** The extension's report to the controller: the offers and their progress. */
export interface OffersState {
  readonly offers: readonly {
    readonly boot: string;
    /** The newest offered version, rejected or not. */
    readonly version: string;
    /** Why the first replica rejected it. */
    readonly refused: string | null;
  }[];
  readonly replicas: readonly ReplicaReport[];
  /** Facts from the newest replica: an older one may have had other secrets with the same names. */
  readonly secrets: readonly SecretFacts[];
}

/** A task of a proxy and its addresses on the control network. */
export interface TaskAddresses {
  readonly task: string;
  readonly addresses: readonly string[];
}

/** An extension's last report about its agents. */
export interface Reports extends OffersState {
  /**
   * Since when the extension has been connected without interruption, in milliseconds since the epoch: agents reconnect to a new extension one by
   * one.
   */
  readonly since: number;
  /** Digest of the tasks that it knows; undefined before it received any. */
  readonly tasks?: string | undefined;
}

export interface ClusterOffer extends Offer {
  readonly cluster: string;
}
