import type { SecretFacts } from '../model/material.ts';
import type { ConfigurationFile } from '../reconcile/ports.ts';

/** A rendered configuration; the main file first. */
export interface Version {
  readonly version: string;
  readonly files: readonly ConfigurationFile[];
}

/** A version for those tasks that Swarm started with the version `boot`, and so with the same secrets and networks. */
export interface Offer extends Version {
  readonly boot: string;
}

export interface Refused {
  readonly version: string;
  /** In nginx's words. */
  readonly message: string;
}

/** What an agent says of its replica. */
export interface Report {
  readonly task: string;
  readonly boot: string;
  /** Null before nginx runs. */
  readonly serving: string | null;
  /** What nginx has just taken over, while its old workers may still answer with what was served before; null otherwise. */
  readonly loaded: string | null;
  /** The last version that this replica did not take, while it has taken none since. */
  readonly refused: Refused | null;
  /** What is in the secrets of the task; they never change while it lives. */
  readonly secrets: readonly SecretFacts[];
}

/** What is offered to whom, and how far it has come. */
export interface OffersState {
  readonly offers: readonly {
    readonly boot: string;
    /** The newest that was offered, refused or not. */
    readonly version: string;
    /** Why the first replica did not take it. */
    readonly refused: string | null;
  }[];
  readonly replicas: readonly Omit<Report, 'secrets' | 'loaded'>[];
  /** What the newest replica found in its secrets: an older one may have had others of the same names. */
  readonly secrets: readonly SecretFacts[];
}

/** The tasks of one specification. */
interface Line {
  /** The nginx of a replica has taken it: all may have it. */
  proven: Version | undefined;
  /** Not proven yet. */
  next: Version | undefined;
  refused: Refused | undefined;
  /** The replica that tries `next` before the others. */
  first: { readonly task: string; readonly since: number } | undefined;
}

/** Specifications that are remembered: Swarm may roll back to an older one. */
const KEPT_LINES = 4;
/** A replica that has tried for so long is not waited for: another one tries. */
const PATIENCE_MS = 60_000;
/** Agents ask again far more often; one that is silent for so long is gone. */
const SILENCE_MS = 120_000;

/**
 * Hands versions out to agents. One replica tries a new version first; only when its nginx has taken it do the others get it, so that what
 * it refuses reaches nobody else.
 */
export class Offers {
  readonly #now: () => number;
  readonly #lines = new Map<string, Line>();
  readonly #replicas = new Map<string, { readonly report: Report; readonly at: number }>();
  #change = Promise.withResolvers<void>();

  constructor(now: () => number) {
    this.#now = now;
  }

  offer({ boot, version, files }: Offer): void {
    const line = this.#lines.get(boot) ?? { proven: undefined, next: undefined, refused: undefined, first: undefined };
    this.#lines.delete(boot);
    this.#lines.set(boot, line);
    for (const old of [...this.#lines.keys()].slice(0, -KEPT_LINES)) this.#lines.delete(old);
    if (line.refused?.version === version || line.next?.version === version) return;
    line.refused = undefined;
    line.first = undefined;
    line.next = line.proven?.version === version ? undefined : { version, files };
    this.#announce();
  }

  /**
   * Takes a report, and resolves to a version that is for this replica; undefined when the signal aborts before there is one, and at once
   * for a replica that is not done with the last.
   */
  async next(report: Report, signal: AbortSignal): Promise<Version | undefined> {
    this.#note(report);
    if (report.loaded !== null) return undefined;
    while (!signal.aborted) {
      const handout = this.#choose(report);
      if (handout) return handout;
      await this.#changed(signal);
    }
    return undefined;
  }

  get state(): OffersState {
    const reports = [...this.#replicas.values()].map(({ report }) => report);
    return {
      offers: [...this.#lines].flatMap(([boot, { proven, next, refused }]) => {
        const version = refused?.version ?? next?.version ?? proven?.version;
        return version === undefined ? [] : [{ boot, version, refused: refused?.message ?? null }];
      }),
      replicas: reports.map(({ secrets, loaded, ...report }) => report),
      secrets: reports.at(-1)?.secrets ?? [],
    };
  }

  /** Resolves when the state is no longer this one, or when the signal aborts. */
  async moved(known: OffersState, signal: AbortSignal): Promise<void> {
    const text = JSON.stringify(known);
    while (!signal.aborted && JSON.stringify(this.state) === text) await this.#changed(signal);
  }

  #note(report: Report): void {
    const at = this.#now();
    const before = JSON.stringify(this.#replicas.get(report.task)?.report);
    this.#replicas.set(report.task, { report, at });
    for (const [task, replica] of this.#replicas) if (at - replica.at > SILENCE_MS) this.#replicas.delete(task);
    this.#judge(report);
    if (before !== JSON.stringify(report)) this.#announce();
  }

  #judge({ boot, serving, loaded, refused, task }: Report): void {
    const line = this.#lines.get(boot);
    if (!line?.next) return;
    if (serving === line.next.version || loaded === line.next.version) {
      line.proven = line.next;
      line.next = undefined;
    } else if (refused?.version === line.next.version && line.first?.task === task) {
      line.refused = refused;
      line.next = undefined;
    }
  }

  #choose({ task, boot, serving, refused }: Report): Version | undefined {
    const line = this.#lines.get(boot);
    if (!line) return undefined;
    const { proven, next } = line;
    if (next && next.version !== refused?.version && this.#mayTry(line, task, serving)) {
      line.first = { task, since: this.#now() };
      return next;
    }
    if (!proven || proven.version === serving || proven.version === refused?.version) return undefined;
    return proven;
  }

  /** One that only starts is no judge of a new version, and has no time to wait for one. */
  #mayTry({ first }: Line, task: string, serving: string | null): boolean {
    if (serving === null) return false;
    return first === undefined || first.task === task || this.#now() - first.since > PATIENCE_MS;
  }

  #announce(): void {
    this.#change.resolve();
    this.#change = Promise.withResolvers();
  }

  async #changed(signal: AbortSignal): Promise<void> {
    const aborted = Promise.withResolvers<void>();
    const stop = () => aborted.resolve();
    signal.addEventListener('abort', stop, { once: true });
    await Promise.race([this.#change.promise, aborted.promise]);
    signal.removeEventListener('abort', stop);
  }
}
