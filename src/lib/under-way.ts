/** Longer than any work with a timeout: rendering has 120 s, an nginx test 60 s, an Engine call 20 s. */
const HANG_MS = 180_000;

/** Tracks work in progress to detect work that never ends. Failed work has ended. */
export class UnderWay {
  readonly #begun = new Set<{ readonly at: number }>();
  readonly #now: () => number;

  /** Defaults to a monotonic clock, because the time of day may jump. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  async track<T>(work: () => Promise<T>): Promise<T> {
    const entry = { at: this.#now() };
    this.#begun.add(entry);
    try {
      return await work();
    } finally {
      this.#begun.delete(entry);
    }
  }

  get hangs(): boolean {
    const now = this.#now();
    return [...this.#begun].some(({ at }) => now - at > HANG_MS);
  }
}
