import type { PlainLog } from '../lib/plain-log.ts';
import { sleep } from '../lib/sleep.ts';
import type { SecretFacts } from '../model/material.ts';
import type { ReportedDoubts } from '../model/name-doubts.ts';
import type { ConfigurationFile } from '../reconcile/ports.ts';
import type { Refused, Report, Seal, StoredVersion } from './offers.ts';

/** A version without the content of those files that are here already. */
export interface BriefVersion {
  readonly version: string;
  readonly files: readonly (Omit<ConfigurationFile, 'text'> & { readonly text?: string })[];
  readonly seal?: Seal | undefined;
}

/** nginx, as the agent needs it. */
export interface Nginx {
  /** Digests of the files of the version that it was last brought, or has adopted. */
  readonly known: readonly string[];
  /** Copies the files of a version that lie elsewhere: then they are known. Throws where one is missing, or not what the extension has signed. */
  adopt(version: StoredVersion): Promise<void>;
  /** Undefined where nginx accepts the version, else its complaint. */
  test(version: BriefVersion): Promise<string | undefined>;
  /** With a version, or with what the task was started for; resolves when it answers, or has ended. */
  start(version: BriefVersion | undefined, signal: AbortSignal): Promise<void>;
  /**
   * Resolves when nginx itself answers with the version and nothing else; throws with its complaint where it does not accept it. `onLoaded` is
   * called, once or more often, when it has accepted it.
   */
  reload(version: BriefVersion, onLoaded: () => void, signal: AbortSignal): Promise<void>;
  /** The version that it was last brought. */
  readonly stored: StoredVersion | undefined;
}

/** A version whose content does not match its digests or its signature. */
export class InvalidVersionError extends Error {
  override readonly name = 'InvalidVersionError';
}

/** Where the agent asks for versions. */
export interface Offering {
  /**
   * Reports, and waits; undefined when there was nothing new for a while. Files come without their content where their digests are `known`.
   * Throws when the extension can't be reached.
   */
  next(report: Report, known: readonly string[], signal: AbortSignal): Promise<BriefVersion | undefined>;
}

/** Keeps the last version over restarts of the task, on its node. */
export interface LastVersion {
  read(): Promise<StoredVersion | undefined>;
  write(version: StoredVersion): Promise<void>;
}

/** Checks what Docker's DNS answers for nginx's names. */
export interface Names {
  /** Undefined if there are none. */
  readonly doubts: ReportedDoubts | undefined;
  /** Called when they have changed. */
  onChange: (() => void) | undefined;
}

export interface AgentOptions {
  readonly task: string;
  readonly boot: string;
  /** What is in the secrets of the task. */
  readonly secrets: readonly SecretFacts[];
  readonly nginx: Nginx;
  /** What is wrong with the texts of a version, which the extension may have written itself; undefined if nothing. */
  readonly textFault: (files: BriefVersion['files']) => string | undefined;
  readonly offering: Offering;
  readonly last: LastVersion;
  readonly names?: Names;
  /** The first of a burst of changes goes live at once, the others together after this time. */
  readonly reloadIntervalMs: number;
  readonly logger: PlainLog;
}

const BOOT_PATIENCE_MS = 2000;
/** An extension of an earlier release keeps those waiting who have loaded a version. */
const TELL_PATIENCE_MS = 1000;
const RETRY_MS = 1000;

/** Runs beside nginx and brings it every version that the extension offers, without a restart. */
export class Agent {
  readonly #options: AgentOptions;
  #serving: string | null = null;
  #refused: Refused | null = null;
  #kept = Promise.resolve();
  #invalid: string | undefined;
  /** What came of versions that were brought while nginx ran. */
  readonly reloads = { done: 0, refused: 0 };

  constructor(options: AgentOptions) {
    this.#options = options;
  }

  /** The version that nginx serves; null before it runs. */
  get serving(): string | null {
    return this.#serving;
  }

  /** Starts nginx with the newest version that can be had: what is offered, what was served here last, what the task was started for. */
  async boot(signal: AbortSignal): Promise<void> {
    const { nginx, boot, logger } = this.#options;
    const version = await this.#newest(signal);
    await nginx.start(version, signal);
    this.#serving = version?.version ?? boot;
    logger.info({ version: this.#serving, boot }, 'Started nginx');
  }

  /** Follows offers until the signal aborts. */
  async follow(signal: AbortSignal): Promise<void> {
    const { reloadIntervalMs } = this.#options;
    let notBefore = 0;
    while (!signal.aborted) {
      try {
        const early = await this.#next(signal);
        if (!early) continue;
        const waitMs = notBefore - performance.now();
        if (waitMs > 0) await sleep(waitMs, signal);
        // What was offered meanwhile is newer.
        const newest = waitMs > 0 ? await this.#next(signal) : early;
        if (!newest) continue;
        await this.#apply(newest, signal);
        notBefore = performance.now() + reloadIntervalMs;
      } catch (error) {
        // Otherwise the extension is away. nginx goes on with what it has.
        if (error instanceof InvalidVersionError) this.#logInvalid(error);
        await sleep(RETRY_MS, signal);
      }
    }
    await this.#kept;
  }

  /** Once, not each time that it is offered again. */
  #logInvalid({ message }: InvalidVersionError): void {
    if (message !== this.#invalid) this.#options.logger.error({ reason: message }, 'Rejected version');
    this.#invalid = message;
  }

  /** Doubts about names are reported at once: the report that waits for an offer is taken back. */
  async #next(signal: AbortSignal): Promise<BriefVersion | undefined> {
    const { offering, nginx, names } = this.#options;
    const isOld = new AbortController();
    if (names) names.onChange = () => isOld.abort();
    try {
      return await offering.next(this.#report(), nginx.known, AbortSignal.any([signal, isOld.signal]));
    } catch (error) {
      if (isOld.signal.aborted && !signal.aborted) return undefined;
      throw error;
    } finally {
      if (names) names.onChange = undefined;
    }
  }

  #report(): Report {
    const { task, boot, secrets, names } = this.#options;
    const doubts = names?.doubts;
    const state = { serving: this.#serving, loaded: null, refused: this.#refused };
    return { task, boot, secrets, ...state, ...(doubts ? { doubts } : {}) };
  }

  async #newest(signal: AbortSignal): Promise<BriefVersion | undefined> {
    const { nginx, textFault, logger } = this.#options;
    const last = await this.#adoptLast();
    const patience = AbortSignal.any([signal, AbortSignal.timeout(BOOT_PATIENCE_MS)]);
    const offered = await this.#next(patience).catch(() => undefined);
    for (const version of [offered, last]) {
      if (!version) continue;
      const complaint = textFault(version.files) ?? (await nginx.test(version));
      if (complaint === undefined) return version;
      logger.warn({ version: version.version, reason: complaint }, 'Skipped version');
    }
    return undefined;
  }

  /** Before the extension is asked, which then sends only what is new. */
  async #adoptLast(): Promise<StoredVersion | undefined> {
    const { last, nginx } = this.#options;
    const stored = await last.read();
    try {
      if (stored) await nginx.adopt(stored);
      return stored;
    } catch (error) {
      if (error instanceof InvalidVersionError) this.#logInvalid(error);
      return undefined;
    }
  }

  async #apply(offered: BriefVersion, signal: AbortSignal): Promise<void> {
    const { nginx, textFault, logger } = this.#options;
    const { version } = offered;
    const start = performance.now();
    let told: Promise<void> | undefined;
    const onLoaded = () => {
      told ??= this.#tellLoaded(version, signal);
    };
    const failure =
      textFault(offered.files) ??
      (await nginx.reload(offered, onLoaded, signal).catch((error: Error) => error.message));
    // Else it might arrive after the next report.
    await told;
    if (signal.aborted) return;
    if (failure !== undefined) {
      this.#refused = { version, message: failure };
      this.reloads.refused += 1;
      logger.error({ version, reason: failure }, 'nginx rejected version');
      return;
    }
    this.#serving = version;
    this.#refused = null;
    this.reloads.done += 1;
    logger.info({ version, tookMs: Math.round(performance.now() - start) }, 'Serving version');
    this.#keep();
  }

  /** The other replicas need not wait until old workers have gone. */
  async #tellLoaded(version: string, signal: AbortSignal): Promise<void> {
    const { offering } = this.#options;
    const patience = AbortSignal.any([signal, AbortSignal.timeout(TELL_PATIENCE_MS)]);
    await offering.next({ ...this.#report(), loaded: version }, [], patience).catch(() => undefined);
  }

  /** While others get it, and the next one is waited for. */
  #keep(): void {
    const { nginx, last } = this.#options;
    const keep = async () => {
      if (nginx.stored) await last.write(nginx.stored);
    };
    // Else an older one stays, which hurts nobody.
    this.#kept = this.#kept.then(keep).catch(() => undefined);
  }
}
