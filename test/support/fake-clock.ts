/** A clock that moves only when it is told to, and a little at each look, so that no two moments are the same. */
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
