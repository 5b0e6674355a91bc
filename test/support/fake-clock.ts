/** A clock that moves only on request, and slightly at each reading, so that no two times are equal. */
export class FakeClock {
  #now: number;

  constructor(start = '2026-01-01T00:00:00Z') {
    this.#now = Date.parse(start);
  }

  readonly now = (): number => {
    this.#now += 1;
    return this.#now;
  };

  advance(ms: number): void {
    this.#now += ms;
  }

  timestamp(): string {
    return new Date(this.now()).toISOString();
  }
}
