import { digest } from '../lib/digest.ts';
import type { SecretFacts } from '../model/material.ts';
import type { ReportedDoubts } from '../model/name-doubts.ts';
import type { ConfigurationFile } from '../reconcile/ports.ts';

/** A rendered configuration; the main file first. */
export interface Version {
  readonly version: string;
  readonly files: readonly ConfigurationFile[];
}

/** The extension's signature of a version, for one specification; see `link/seal.ts`. */
export interface Seal {
  /** Of the extension, in PEM. */
  readonly certificate: string;
  /** In base64. */
  readonly signature: string;
}

/** A version whose files lie somewhere. */
export interface StoredVersion {
  readonly version: string;
  readonly files: readonly StoredFile[];
  /** Absent from extensions of earlier releases. */
  readonly seal?: Seal | undefined;
}

export interface StoredFile extends Omit<ConfigurationFile, 'text'> {
  /** Absolute path. */
  readonly at: string;
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
  /** Names that Docker's DNS does not answer as it should; absent if there are none. */
  readonly doubts?: ReportedDoubts | undefined;
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

/** A version that not all replicas may have yet. */
interface Candidate extends Version {
  /** Is meant for all. */
  isOffered: boolean;
  /** The nginx of a replica has taken it. */
  isTaken: boolean;
}

/** The tasks of one specification. */
interface Line {
  /** Was offered, and taken by a replica: all may have it. */
  proven: Version | undefined;
  /** The newest that was offered, where it is not proven. */
  next: Candidate | undefined;
  /** A newer one that may be tried, and is not offered yet. */
  trial: Candidate | undefined;
  refused: Refused | undefined;
  /** The replica that tries a version before the others; one that was overtaken meanwhile, perhaps. */
  first: { readonly task: string; readonly since: number; readonly candidate: Candidate } | undefined;
}

/** Nothing newer than what is proven. */
const UNTRIED = { next: undefined, trial: undefined, refused: undefined, first: undefined };

/** Specifications that are remembered: Swarm may roll back to an older one. */
const KEPT_LINES = 4;
/** A replica that has tried for so long is not waited for: another one tries. */
const PATIENCE_MS = 10_000;
const RECHECK_MS = 1000;
/** The same where there is a newer one by now. */
const OVERTAKEN_PATIENCE_MS = 5000;
/** Replicas that are remembered; more are ignored. */
const MAX_REPLICAS = 512;
/** Replicas whose secrets are remembered, the newest: they may take a megabyte each. */
const KEPT_SECRETS = 2;
/** Agents ask again far more often; one that is silent for so long is gone. */
const SILENCE_MS = 120_000;

/**
 * Hands versions out to agents. One replica tries a new version first; only when its nginx has taken it do the others get it, so that what
 * it refuses reaches nobody else.
 */
export class Offers {
  readonly #now: () => number;
  readonly #lines = new Map<string, Line>();
  readonly #replicas = new Map<string, { readonly report: Report; readonly text: string; readonly at: number }>();
  #change = Promise.withResolvers<void>();

  constructor(now: () => number) {
    this.#now = now;
  }

  /** For all replicas of that specification, one before the others. */
  offer({ boot, version, files }: Offer): void {
    const line = this.#lineOf(boot);
    if (line.refused?.version === version) return;
    if (line.proven?.version === version) Object.assign(line, UNTRIED);
    else if (line.next?.version !== version) {
      const known = line.trial?.version === version ? line.trial : undefined;
      line.next = known ?? { version, files, isOffered: true, isTaken: false };
      line.next.isOffered = true;
      line.refused = undefined;
    }
    line.trial = undefined;
    promote(line);
    this.#announce();
  }

  #lineOf(boot: string): Line {
    const line = this.#lines.get(boot) ?? { proven: undefined, ...UNTRIED };
    this.#lines.delete(boot);
    this.#lines.set(boot, line);
    for (const old of [...this.#lines.keys()].slice(0, -KEPT_LINES)) this.#lines.delete(old);
    return line;
  }

  /**
   * For one replica alone, until it is offered or withdrawn; and only where there is something to go back to. Resolves to whether its nginx has
   * taken it: to false as soon as it refuses, nobody can try it, it is overtaken or withdrawn, or the signal aborts.
   */
  async try({ boot, version, files }: Offer, signal: AbortSignal): Promise<boolean> {
    const line = this.#lines.get(boot);
    if (!line?.proven || [line.proven, line.next, line.refused].some((known) => known?.version === version))
      return false;
    const isAnybodyThere = [...this.#replicas.values()].some(({ report }) => report.boot === boot && report.serving);
    if (!isAnybodyThere) return false;
    const trial = { version, files, isOffered: false, isTaken: false };
    line.trial = trial;
    this.#announce();
    while (!trial.isTaken && line.trial === trial && !signal.aborted) await this.#changed(signal);
    return trial.isTaken;
  }

  /** What was only tried, and is not going to be offered: the replica goes back. */
  withdraw(boot: string): void {
    const line = this.#lines.get(boot);
    if (!line?.trial) return;
    if (line.first?.candidate === line.trial) line.first = undefined;
    line.trial = undefined;
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
      // The patience with another replica may end without any change.
      await this.#changed(AbortSignal.any([signal, AbortSignal.timeout(RECHECK_MS)]));
    }
    return undefined;
  }

  get state(): OffersState {
    const reports = [...this.#replicas.values()].map(({ report }) => report);
    return {
      offers: [...this.#lines].flatMap(([boot, { proven, next, refused }]) => {
        const offered = refused ?? next ?? proven;
        return offered ? [{ boot, version: offered.version, refused: refused?.message ?? null }] : [];
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
    for (const [task, replica] of this.#replicas) if (at - replica.at > SILENCE_MS) this.#replicas.delete(task);
    const before = this.#replicas.get(report.task);
    if (!before && this.#replicas.size >= MAX_REPLICAS) return;
    const text = digest(JSON.stringify(report));
    this.#replicas.set(report.task, { report, text, at });
    const others = [...this.#replicas.values()].slice(0, -KEPT_SECRETS);
    for (const { report } of others) {
      if (report.secrets.length === 0) continue;
      const known = this.#replicas.get(report.task)!;
      this.#replicas.set(report.task, { ...known, report: { ...report, secrets: [] } });
    }
    this.#judge(report);
    if (before?.text !== text) this.#announce();
  }

  #judge({ boot, serving, loaded, refused, task }: Report): void {
    const line = this.#lines.get(boot);
    if (!line) return;
    for (const candidate of [line.next, line.trial, line.first?.candidate]) {
      if (candidate && [serving, loaded].includes(candidate.version)) candidate.isTaken = true;
    }
    promote(line);
    if (refused && line.first?.task === task && line.first.candidate.version === refused.version) refuse(line, refused);
  }

  #choose({ task, boot, serving, refused }: Report): Version | undefined {
    const line = this.#lines.get(boot);
    if (!line) return undefined;
    const { proven, next, trial } = line;
    const newest = trial ?? next;
    // It waits for the others, or for the offer.
    if (newest && newest.version === serving) return undefined;
    if (newest && newest.version !== refused?.version && this.#mayTry(newest, line, task, serving)) {
      line.first = { task, since: this.#now(), candidate: newest };
      return newest;
    }
    if (!proven || proven.version === serving || proven.version === refused?.version) return undefined;
    return proven;
  }

  /** One that only starts is no judge of a new version, and has no time to wait for one. */
  #mayTry(candidate: Candidate, { first }: Line, task: string, serving: string | null): boolean {
    if (serving === null) return false;
    if (first === undefined || first.task === task) return true;
    const patience = first.candidate === candidate ? PATIENCE_MS : OVERTAKEN_PATIENCE_MS;
    return this.#now() - first.since > patience;
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

/** What is meant for all, and a replica has taken, all may have; of one that was overtaken they need not wait for the newest. */
function promote(line: Line): void {
  const proven = [line.next, line.first?.candidate].find((candidate) => candidate?.isOffered && candidate.isTaken);
  if (!proven) return;
  line.proven = proven;
  line.first = undefined;
  if (line.next === proven) line.next = undefined;
}

function refuse(line: Line, refused: Refused): void {
  const newest = line.trial ?? line.next;
  line.first = undefined;
  if (newest?.version !== refused.version) return;
  line.refused = refused;
  if (newest === line.trial) line.trial = undefined;
  else line.next = undefined;
}
