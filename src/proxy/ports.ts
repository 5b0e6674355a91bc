import type { ReportedFaults } from '../model/backends/connections.ts';
import type { ReportedDoubts } from '../model/dns/name-doubts.ts';
import type { SecretFacts } from '../model/secrets/secret-facts.ts';
import type { AgentReport, ConfigurationFile, Seal, StoredVersion } from '../model/version.ts';

/** A version without the content of files that are already here. */
export interface BriefVersion {
  readonly version: string;
  readonly files: readonly (Omit<ConfigurationFile, 'text'> & { readonly text?: string })[];
  readonly seal?: Seal | undefined;
}

/** The agent's interface to nginx. */
export interface Nginx {
  /** Digests of the files of the version that nginx last loaded or that was adopted. */
  readonly known: readonly string[];
  /**
   * Copies the files of a version stored elsewhere, so that they are known. Throws if one is missing or differs from the version that the extension
   * signed.
   */
  adopt(version: StoredVersion): Promise<void>;
  /** Returns undefined if nginx accepts the version, otherwise its error message. */
  test(version: BriefVersion): Promise<string | undefined>;
  /**
   * Starts nginx with a version, or with the one that the task was started for. Resolves when nginx responds or has
   * ended.
   */
  start(version: BriefVersion | undefined, signal: AbortSignal): Promise<void>;
  /**
   * Resolves when nginx responds with this version only. Throws nginx's error message if it rejects the version. `onLoaded` is called at least once
   * when nginx has accepted it.
   */
  reload(version: BriefVersion, onLoaded: () => void, signal: AbortSignal): Promise<void>;
  /** The version that nginx last loaded. */
  readonly stored: StoredVersion | undefined;
}

/** A version whose content does not match its digests or its signature. */
export class InvalidVersionError extends Error {
  override readonly name = 'InvalidVersionError';
}

/** The source of the agent's versions. */
export interface Offering {
  /**
   * Reports and waits for a version; resolves to undefined if there is none for a while. Files whose digests are `known` are sent without their
   * content. Throws if the extension cannot be reached.
   */
  next(report: AgentReport, known: readonly string[], signal: AbortSignal): Promise<BriefVersion | undefined>;
}

/** Keeps the last version on the node when the task restarts. */
export interface LastVersion {
  read(): Promise<StoredVersion | undefined>;
  write(version: StoredVersion): Promise<void>;
}

/** The task's secrets. */
export interface Secrets {
  readonly facts: readonly SecretFacts[];
  /** Called when the facts change. */
  onChange: (() => void) | undefined;
}

/** Checks Docker's DNS answers for nginx's names. */
export interface Names {
  /** Undefined if there are no doubts. */
  readonly doubts: ReportedDoubts | undefined;
  /** Called when the doubts change. */
  onChange: (() => void) | undefined;
}

/** Checks whether the applications accept connections. */
export interface Backends {
  /** Undefined if all do. */
  readonly faults: ReportedFaults | undefined;
  /** Called when the faults change. */
  onChange: (() => void) | undefined;
}
