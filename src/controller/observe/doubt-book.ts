import {
  compareDoubts,
  type DoubtKind,
  type Doubts,
  doubtKinds,
  type NameDoubt,
  NO_DOUBTS,
  splitName,
} from '../../model/dns/name-doubts.ts';
import { reachableTasks, usesAddresses, watchesNames } from '../../model/dns/task-addresses.ts';
import { asksForRoutes } from '../../model/labels/hrm.ts';
import type { Cluster } from '../../model/settings/clusters.ts';
import type { Snapshot, SwarmService } from '../../model/snapshot.ts';
import type { Renderer } from '../ports.ts';

/** A doubt lasts until no agent has reported it for this time: faults can be intermittent, and restarted agents have to detect them again. */
const HOLD_MS = 60_000;
/** Docker's DNS must know tasks that have been running for this time. */
const RUNNING_MS = 10_000;

interface Entry {
  doubt: NameDoubt;
  reportedAt: number;
  isConfirmed: boolean;
}

interface Page {
  readonly entries: Map<string, Entry>;
  all: DoubtKind | undefined;
}

/**
 * Decides which names must not be used, based on the reports of each cluster's agents. The reports are not trusted: at most, services of their own
 * cluster are reached at the addresses of their tasks.
 */
export class DoubtBook {
  readonly #renderer: Renderer;
  readonly #pages = new Map<string, Page>();
  #confirmed: Doubts = NO_DOUBTS;

  constructor(renderer: Renderer) {
    this.#renderer = renderer;
  }

  /** Evaluates the reports of all clusters. Only reports from the given tasks count: an extension keeps those of ended proxies for a while. */
  note(clusters: readonly Cluster[], running: ReadonlySet<string>, now: number): void {
    for (const cluster of clusters) if (watchesNames(cluster)) this.#noteCluster(cluster, running, now);
  }

  #noteCluster({ name, settings }: Cluster, running: ReadonlySet<string>, now: number): void {
    const page = this.#pages.get(name) ?? { entries: new Map<string, Entry>(), all: undefined };
    this.#pages.set(name, page);
    const last = this.#renderer.reports(settings.ServiceName);
    // Doubts do not expire while the extension is unavailable.
    if (last === undefined) {
      for (const entry of page.entries.values()) entry.reportedAt = now;
      return;
    }
    const reports = last.replicas.flatMap(({ task, doubts }) => (running.has(task) ? (doubts ?? []) : []));
    for (const doubt of reports.flatMap(({ names }) => names).toSorted(compareDoubts)) note(page, doubt, now);
    for (const [key, { reportedAt, isConfirmed }] of page.entries)
      if (now - reportedAt > (isConfirmed ? HOLD_MS : 0)) page.entries.delete(key);
    // If one report is full, all names are in doubt, and unreported names are not watched. This ends when no doubts are
    // left.
    const full = reports.find(({ hasMore }) => hasMore);
    if (full) page.all ??= full.names.at(-1)?.kind;
    if (page.entries.size === 0) page.all = undefined;
  }

  /** The services whose running tasks are required. */
  follows(clusters: readonly Cluster[], services: readonly SwarmService[]): string[] {
    const isEverything = clusters.some((cluster) => usesAddresses(cluster) || this.#pages.get(cluster.name)?.all);
    if (isEverything) return services.filter(({ labels }) => asksForRoutes(labels)).map(({ id }) => id);
    const names = this.#serviceNames();
    if (names.size === 0) return [];
    return services.filter(({ name, labels }) => names.has(name) && asksForRoutes(labels)).map(({ id }) => id);
  }

  #serviceNames(): Set<string> {
    const entries = [...this.#pages.values()].flatMap(({ entries }) => [...entries.keys()]);
    return new Set(entries.flatMap((name) => splitName(name)?.service ?? []));
  }

  /**
   * Confirms doubts: a foreign answer at once, others if tasks are running that Docker's DNS should know. Returns the same object while nothing
   * changes.
   */
  judge(snapshot: Snapshot, now: number): Doubts {
    const running = reachableTasks(snapshot.tasks ?? [], new Map(snapshot.nodes.map((node) => [node.id, node])))!;
    const ids = new Map(snapshot.services.map(({ id, name }) => [name, id]));
    const tasksOf = (name: string) => running.get(ids.get(splitName(name)?.service ?? '') ?? '') ?? [];
    for (const { entries } of this.#pages.values())
      for (const [name, entry] of entries) {
        const isExpected = tasksOf(name).some(({ since }) => now - since >= RUNNING_MS);
        entry.isConfirmed ||= entry.doubt.kind === 'foreign' || isExpected;
      }
    const doubts = this.#collect();
    if (JSON.stringify(toPlain(doubts)) !== JSON.stringify(toPlain(this.#confirmed))) this.#confirmed = doubts;
    return this.#confirmed;
  }

  #collect(): Doubts {
    const pages = [...this.#pages].flatMap(([cluster, { entries, all }]) => {
      const confirmed = [...entries.values()].filter(({ isConfirmed }) => isConfirmed).map(({ doubt }) => doubt);
      if (confirmed.length === 0) return [];
      const names = new Map(confirmed.toSorted(compareDoubts).map((doubt) => [doubt.name, doubt]));
      return [[cluster, { names, all }] as const];
    });
    return pages.length === 0 ? NO_DOUBTS : new Map(pages);
  }
}

/** If there are several doubts about a name, the most serious one is kept. */
function note({ entries }: Page, doubt: NameDoubt, now: number): void {
  const entry = entries.get(doubt.name);
  if (entry === undefined) {
    entries.set(doubt.name, { doubt, reportedAt: now, isConfirmed: false });
    return;
  }
  entry.reportedAt = now;
  if (doubtKinds.indexOf(doubt.kind) < doubtKinds.indexOf(entry.doubt.kind)) entry.doubt = doubt;
}

function toPlain(doubts: Doubts) {
  return [...doubts].map(([cluster, { names, all }]) => [cluster, all, [...names.values()]]);
}
