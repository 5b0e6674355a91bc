/** Runs at most `width` tasks at a time. Others wait in order, up to `maxWaiting`; further tasks are rejected. */
export class Limiter {
  readonly #width: number;
  readonly #maxWaiting: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(width: number, maxWaiting: number) {
    this.#width = width;
    this.#maxWaiting = maxWaiting;
  }

  /** Returns undefined without running the task if too many are already waiting. */
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

  /** Hands its slot directly to the next waiting task, so that no new task can take it first. */
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
