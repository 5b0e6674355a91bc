/** Longer than all that ends on its own: a rendering has 120 s, a test by nginx 60 s, a call of the Engine 20 s. */
const HANG_MS = 180_000;

/** Knows the work under way, so that work that never ends is noticed. Work that fails has ended. */
export class UnderWay {
  readonly #begun = new Set<{ readonly at: number }>();
  readonly #now: () => number;

  /** Not the time of day, which may jump. */
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
