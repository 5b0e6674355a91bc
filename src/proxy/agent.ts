import type { PlainLog } from '../lib/plain-log.ts';
import { sleep } from '../lib/sleep.ts';
import type { AgentReport, Rejection, StoredVersion } from '../model/version.ts';
import {
  type Backends,
  type BriefVersion,
  InvalidVersionError,
  type LastVersion,
  type Names,
  type Nginx,
  type Offering,
  type Secrets,
} from './ports.ts';

export interface AgentOptions {
  readonly task: string;
  readonly boot: string;
  readonly secrets: Secrets;
  readonly nginx: Nginx;
  /**
   * Validates the texts of a version, which the extension may have written itself; returns undefined if they are valid.
   */
  readonly textFault: (files: BriefVersion['files']) => string | undefined;
  readonly offering: Offering;
  readonly last: LastVersion;
  readonly names?: Names;
  readonly backends?: Backends;
  /** The first of a burst of changes is applied at once, the others together after this time. */
  readonly reloadIntervalMs: number;
  readonly logger: PlainLog;
}

const BOOT_PATIENCE_MS = 2000;
/** Limits the wait for extensions of earlier releases, which hold a report about a loaded version. */
const LOADED_PATIENCE_MS = 1000;
const RETRY_MS = 1000;

/** Runs next to nginx and loads every version that the extension offers, without a restart. */
export class Agent {
  readonly #options: AgentOptions;
  #serving: string | null = null;
  #refused: Rejection | null = null;
  #kept = Promise.resolve();
  #invalid: string | undefined;
  /** Results of versions that were offered while nginx was running. */
  readonly reloads = { done: 0, refused: 0 };

  constructor(options: AgentOptions) {
    this.#options = options;
  }

  /** The version that nginx serves; null before nginx runs. */
  get serving(): string | null {
    return this.#serving;
  }

  /** Starts nginx with the newest available version: the offered one, the last one served on this node, or the one that the task was started for. */
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
        // A version offered in the meantime is newer.
        const newest = waitMs > 0 ? await this.#next(signal) : early;
        if (!newest) continue;
        await this.#apply(newest, signal);
        notBefore = performance.now() + reloadIntervalMs;
      } catch (error) {
        // Any other error means that the extension is unavailable. nginx keeps its configuration.
        if (error instanceof InvalidVersionError) this.#logInvalid(error);
        await sleep(RETRY_MS, signal);
      }
    }
    await this.#kept;
  }

  /** Logs an invalid version once, not each time it is offered. */
  #logInvalid({ message }: InvalidVersionError): void {
    if (message !== this.#invalid) this.#options.logger.error({ reason: message }, 'Rejected version');
    this.#invalid = message;
  }

  /** Reports doubts about names, failing connections and facts about secrets immediately: cancels the report that is waiting for an offer. */
  async #next(signal: AbortSignal): Promise<BriefVersion | undefined> {
    const { offering, nginx, names, backends, secrets } = this.#options;
    const isOld = new AbortController();
    if (names) names.onChange = () => isOld.abort();
    if (backends) backends.onChange = () => isOld.abort();
    secrets.onChange = () => isOld.abort();
    try {
      return await offering.next(this.#report(), nginx.known, AbortSignal.any([signal, isOld.signal]));
    } catch (error) {
      if (isOld.signal.aborted && !signal.aborted) return undefined;
      throw error;
    } finally {
      if (names) names.onChange = undefined;
      if (backends) backends.onChange = undefined;
      secrets.onChange = undefined;
    }
  }

  #report(): AgentReport {
    const { task, boot, secrets, names, backends } = this.#options;
    const doubts = names?.doubts;
    const faults = backends?.faults;
    const state = { serving: this.#serving, loaded: null, refused: this.#refused };
    return {
      task,
      boot,
      secrets: secrets.facts,
      ...state,
      ...(doubts ? { doubts } : {}),
      ...(faults ? { faults } : {}),
    };
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

  /** Runs before the request to the extension, which then sends only new files. */
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
    let reported: Promise<void> | undefined;
    const onLoaded = () => {
      reported ??= this.#reportLoaded(version, signal);
    };
    const failure =
      textFault(offered.files) ??
      (await nginx.reload(offered, onLoaded, signal).catch((error: Error) => error.message));
    // Otherwise this report might arrive after the next one.
    await reported;
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

  /** Reports that nginx has loaded the version, so that other replicas need not wait until old workers have ended. */
  async #reportLoaded(version: string, signal: AbortSignal): Promise<void> {
    const { offering } = this.#options;
    const patience = AbortSignal.any([signal, AbortSignal.timeout(LOADED_PATIENCE_MS)]);
    await offering.next({ ...this.#report(), loaded: version }, [], patience).catch(() => undefined);
  }

  /** Runs in the background, while the next version is awaited. */
  #keep(): void {
    const { nginx, last } = this.#options;
    const keep = async () => {
      if (nginx.stored) await last.write(nginx.stored);
    };
    // On failure, an older version stays, which is harmless.
    this.#kept = this.#kept.then(keep).catch(() => undefined);
  }
}
