/** Keeps the most recently set entries, up to a limit. */
export class Recent<T> {
  readonly #most: number;
  readonly #items = new Map<string, T>();

  constructor(most: number) {
    this.#most = most;
  }

  get(key: string): T | undefined {
    return this.#items.get(key);
  }

  set(key: string, item: T): void {
    this.#items.delete(key);
    this.#items.set(key, item);
    if (this.#items.size > this.#most) this.#items.delete(this.#items.keys().next().value!);
  }
}
