import { backoffMs } from '../../lib/backoff.ts';
import type { SwarmNode } from '../../model/snapshot.ts';

/** Replicas and nodes must be unchanged for this time before a replica is moved. */
const HOLD_MS = 5000;
const LONGEST_HOLD_MS = 300_000;
/** A node that returns several times within this time is flapping. */
const FLAPPING_MS = 600_000;

interface Page {
  readonly present: ReadonlySet<string>;
  /** When nodes returned, by id. */
  readonly returns: ReadonlyMap<string, readonly number[]>;
  readonly situation: string;
  readonly since: number;
}

/** Tracks since when each cluster's replicas have been in place, and how often nodes returned. */
export class SpreadBook {
  readonly #pages = new Map<string, Page>();

  note(cluster: string, nodes: readonly SwarmNode[], situation: string, now: number): void {
    const page = this.#pages.get(cluster);
    this.#pages.set(cluster, {
      present: new Set(nodes.map(({ id }) => id)),
      returns: page === undefined ? new Map() : returnsOf(page, nodes, now),
      situation,
      since: page?.situation === situation ? page.since : now,
    });
  }

  /** The wait doubles with each attempt that did not help and with each return of a node. */
  isHeld(cluster: string, tries: number, now: number): boolean {
    const { since, returns } = this.#pages.get(cluster)!;
    const times = Math.max(tries + 1, ...[...returns.values()].map((each) => each.length));
    return now - since < backoffMs(times, HOLD_MS, LONGEST_HOLD_MS);
  }
}

/** A node that is seen for the first time has not returned. */
function returnsOf({ present, returns }: Page, nodes: readonly SwarmNode[], now: number): Map<string, number[]> {
  const known = new Set([...present, ...returns.keys()]);
  const next = new Map<string, number[]>();
  for (const id of known)
    next.set(
      id,
      (returns.get(id) ?? []).filter((at) => now - at < FLAPPING_MS),
    );
  for (const { id } of nodes) if (known.has(id) && !present.has(id)) next.get(id)!.push(now);
  return next;
}
