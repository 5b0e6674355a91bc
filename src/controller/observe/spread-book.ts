import { type ProxySpread, spreadSituation } from '../../model/own-services/proxy-spread.ts';
import type { SwarmNode } from '../../model/snapshot.ts';
import type { Steadiness } from '../plan/observed.ts';

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

  note(cluster: string, spread: ProxySpread, now: number): Steadiness {
    const page = this.#pages.get(cluster);
    const situation = spreadSituation(spread);
    const since = page?.situation === situation ? page.since : now;
    const returns = page === undefined ? new Map<string, number[]>() : returnsOf(page, spread.nodes, now);
    this.#pages.set(cluster, { present: new Set(spread.nodes.map(({ id }) => id)), returns, situation, since });
    return { since, returns: Math.max(0, ...[...returns.values()].map((times) => times.length)) };
  }
}

/** A node that is seen for the first time has not returned. */
function returnsOf({ present, returns }: Page, nodes: readonly SwarmNode[], now: number): Map<string, number[]> {
  const seen = new Set([...present, ...returns.keys()]);
  const next = new Map<string, number[]>();
  for (const id of seen)
    next.set(
      id,
      (returns.get(id) ?? []).filter((at) => now - at < FLAPPING_MS),
    );
  for (const { id } of nodes) if (seen.has(id) && !present.has(id)) next.get(id)!.push(now);
  return next;
}
