import { digest } from '../lib/digest.ts';
import { orAborted } from '../lib/or-aborted.ts';
import type { AgentReport, Offer, OffersState, Rejection, Version } from '../model/version.ts';

/** A version that may not be available to all replicas yet. */
interface Candidate extends Version {
  /** Intended for all replicas. */
  isOffered: boolean;
  /** A replica's nginx has loaded it. */
  isTaken: boolean;
}

/** The tasks of one specification. */
interface Line {
  /** Offered, and loaded by a replica: available to all replicas. */
  proven: Version | undefined;
  /** The newest offered version, unless it is proven. */
  next: Candidate | undefined;
  /** A newer version that may be tried but is not offered yet. */
  trial: Candidate | undefined;
  refused: Rejection | undefined;
  /** The replica that tries a version before the others. The version may be superseded by now. */
  first: { readonly task: string; readonly since: number; readonly candidate: Candidate } | undefined;
}

/** Nothing is newer than the proven version. */
const UNTRIED = { next: undefined, trial: undefined, refused: undefined, first: undefined };

/** Number of specifications to keep: Swarm may roll back to an older one. */
const KEPT_LINES = 4;
/** If a replica takes longer to try a version, another replica tries it. */
const PATIENCE_MS = 10_000;
const RECHECK_MS = 1000;
/** The same, once a newer version exists. */
const OVERTAKEN_PATIENCE_MS = 5000;
/** Number of replicas to keep; further ones are ignored. */
const MAX_REPLICAS = 512;
/** Number of newest replicas whose secrets are kept: they may take a megabyte each. */
const KEPT_SECRETS = 2;
/** Agents report far more often. An agent that is silent for this long is gone. */
const SILENCE_MS = 120_000;

/**
 * Offers versions to agents. One replica tries a new version first. The others receive it only after its nginx has loaded it, so that a rejected
 * version reaches no other replica.
 */
export class Offers {
  readonly #now: () => number;
  readonly #lines = new Map<string, Line>();
  readonly #replicas = new Map<string, { readonly report: AgentReport; readonly text: string; readonly at: number }>();
  #change = Promise.withResolvers<void>();

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Offers a version to all replicas of a specification; one of them tries it first. */
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
   * Lets a single replica try a version until it is offered or withdrawn, and only if there is a version to return to. Resolves to whether the
   * replica's nginx has loaded it: to false as soon as nginx rejects it, no replica can try it, it is superseded or withdrawn, or the signal aborts.
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

  /** Withdraws a version that was only tried and is not going to be offered: the replica returns to the proven one. */
  withdraw(boot: string): void {
    const line = this.#lines.get(boot);
    if (!line?.trial) return;
    if (line.first?.candidate === line.trial) line.first = undefined;
    line.trial = undefined;
    this.#announce();
  }

  /**
   * Accepts a report and resolves to a version for the replica. Resolves to undefined if the signal aborts first, and at once for a replica that is
   * still switching to its last version.
   */
  async next(report: AgentReport, signal: AbortSignal): Promise<Version | undefined> {
    this.#note(report);
    if (report.loaded !== null) return undefined;
    while (!signal.aborted) {
      const handout = this.#choose(report);
      if (handout) return handout;
      // The timeout of the trying replica may pass without any other change.
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

  /** Resolves when the state differs from the known one, or when the signal aborts. */
  async moved(known: OffersState, signal: AbortSignal): Promise<void> {
    const text = JSON.stringify(known);
    while (!signal.aborted && JSON.stringify(this.state) === text) await this.#changed(signal);
  }

  #note(report: AgentReport): void {
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

  #judge({ boot, serving, loaded, refused, task }: AgentReport): void {
    const line = this.#lines.get(boot);
    if (!line) return;
    for (const candidate of [line.next, line.trial, line.first?.candidate]) {
      if (candidate && [serving, loaded].includes(candidate.version)) candidate.isTaken = true;
    }
    promote(line);
    if (refused && line.first?.task === task && line.first.candidate.version === refused.version) refuse(line, refused);
  }

  #choose({ task, boot, serving, refused }: AgentReport): Version | undefined {
    const line = this.#lines.get(boot);
    if (!line) return undefined;
    const { proven, next, trial } = line;
    const newest = trial ?? next;
    // The replica waits for the others or for the offer.
    if (newest && newest.version === serving) return undefined;
    if (newest && newest.version !== refused?.version && this.#mayTry(newest, line, task, serving)) {
      line.first = { task, since: this.#now(), candidate: newest };
      return newest;
    }
    if (!proven || proven.version === serving || proven.version === refused?.version) return undefined;
    return proven;
  }

  /** A replica that is just starting cannot judge a new version and has no time to wait for one. */
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

  #changed(signal: AbortSignal): Promise<void> {
    return orAborted(this.#change.promise, signal);
  }
}

/** A version that is offered and loaded by a replica becomes proven. A superseded one does too: replicas need not wait for the newest. */
function promote(line: Line): void {
  const proven = [line.next, line.first?.candidate].find((candidate) => candidate?.isOffered && candidate.isTaken);
  if (!proven) return;
  line.proven = proven;
  line.first = undefined;
  if (line.next === proven) line.next = undefined;
}

function refuse(line: Line, refused: Rejection): void {
  const newest = line.trial ?? line.next;
  line.first = undefined;
  if (newest?.version !== refused.version) return;
  line.refused = refused;
  if (newest === line.trial) line.trial = undefined;
  else line.next = undefined;
}
