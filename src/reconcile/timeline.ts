/** The way of one change of what a cluster serves. Milliseconds since the epoch. */
export interface TimedChange {
  readonly version: string;
  /** When the first event came that told of it. */
  readonly seenAt: number;
  /** When it was rendered and proved. */
  readonly renderedAt: number;
  /** When each replica was first known to serve it, by task. */
  readonly replicas: Readonly<Record<string, number>>;
  /** When all replicas were; undefined while some do not, and for ever when it was overtaken or refused. */
  readonly servedAt: number | undefined;
}

const KEPT = 20;

/** Times how changes go live; in memory, since the last few tell enough. */
export class Timeline {
  /** By cluster, the newest first. */
  readonly #changes = new Map<string, readonly TimedChange[]>();

  of(cluster: string): readonly TimedChange[] {
    return this.#changes.get(cluster) ?? [];
  }

  rendered(cluster: string, version: string, seenAt: number, renderedAt: number): void {
    const known = this.of(cluster);
    if (known[0]?.version === version) return;
    const change = { version, seenAt, renderedAt, replicas: {}, servedAt: undefined };
    this.#changes.set(cluster, [change, ...known].slice(0, KEPT));
  }

  /** Which version each running replica serves, and whether that is all of them. */
  served(
    cluster: string,
    replicas: readonly { readonly id: string; readonly version: string | undefined }[],
    now: number,
  ): void {
    const [change, ...older] = this.of(cluster);
    if (change === undefined || change.servedAt !== undefined) return;
    const reached = replicas.filter(({ version }) => version === change.version).map(({ id }) => id);
    const times = Object.fromEntries(reached.map((id) => [id, change.replicas[id] ?? now]));
    const servedAt = reached.length > 0 && reached.length === replicas.length ? now : undefined;
    this.#changes.set(cluster, [{ ...change, replicas: times, servedAt }, ...older]);
  }
}
