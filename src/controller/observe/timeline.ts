/** The progress of one change of the version that a cluster serves. Times are in milliseconds since the epoch. */
export interface TimedChange {
  readonly version: string;
  /** The time of the first event of the change. */
  readonly seenAt: number;
  /** When the version was rendered and tested. */
  readonly renderedAt: number;
  /** When each replica was first seen to serve it, by task. */
  readonly replicas: Readonly<Record<string, number>>;
  /** When all replicas served it; undefined until then, and permanently if the change was superseded or rejected. */
  readonly servedAt: number | undefined;
}

const KEPT = 20;

/** Measures how long changes take to go live. In memory only, because the last few are enough. */
export class Timeline {
  /** By cluster, the newest first. */
  readonly #changes = new Map<string, readonly TimedChange[]>();

  of(cluster: string): readonly TimedChange[] {
    return this.#changes.get(cluster) ?? [];
  }

  rendered(cluster: string, version: string, seenAt: number, renderedAt: number): void {
    const earlier = this.of(cluster);
    if (earlier[0]?.version === version) return;
    const change = { version, seenAt, renderedAt, replicas: {}, servedAt: undefined };
    this.#changes.set(cluster, [change, ...earlier].slice(0, KEPT));
  }

  /** Records which running replicas serve the version, and when all of them do. */
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
