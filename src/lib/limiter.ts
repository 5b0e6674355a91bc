/** Runs at most `width` tasks at a time; others wait in order. Beyond `waiting`, it takes no more. */
export class Limiter {
  readonly #width: number;
  readonly #maxWaiting: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(width: number, maxWaiting: number) {
    this.#width = width;
    this.#maxWaiting = maxWaiting;
  }

  /** Undefined, and nothing is run, if too many wait already. */
  run<T>(task: () => Promise<T>): Promise<T> | undefined {
    if (this.#running < this.#width) {
      this.#running += 1;
      return this.#work(task);
    }
    if (this.#waiting.length >= this.#maxWaiting) return undefined;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push(resolve);
    return promise.then(() => this.#work(task));
  }

  /** The next one takes over the place, so that nobody can slip in between. */
  async #work<T>(task: () => Promise<T>): Promise<T> {
    try {
      return await task();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#running -= 1;
      else next();
    }
  }
}
