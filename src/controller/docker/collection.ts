import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { sameItems } from '../../lib/memo.ts';
import { parseAnswer } from './answer.ts';
import { isStatus } from './docker-error.ts';

interface Known<T> {
  readonly item: T;
  /** Swarm's version index, increased by every write; undefined for kinds without one. */
  readonly index: number | undefined;
}

const Identity = z.union([z.object({ ID: z.string() }), z.object({ Id: z.string() })]);

const Versioned = z.object({ Version: z.object({ Index: z.number() }) });

/**
 * One kind of swarm object: how to list and fetch it, and its known objects. Unchanged objects and lists keep their identity, so that
 * results derived from them can be reused.
 */
export class Collection<T extends object> {
  readonly #list: () => Promise<readonly unknown[]>;
  readonly #inspect: (id: string) => Promise<unknown>;
  readonly #read: (answer: unknown) => T;
  #known = new Map<string, Known<T>>();
  #items: readonly T[] = [];
  #stale: Set<string> | 'all' = 'all';

  constructor(
    read: (answer: unknown) => T,
    list: () => Promise<readonly unknown[]>,
    inspect: (id: string) => Promise<unknown>,
  ) {
    this.#read = read;
    this.#list = list;
    this.#inspect = inspect;
  }

  get items(): readonly T[] {
    return this.#items;
  }

  /** Lists all objects. */
  get isStale(): boolean {
    return this.#stale === 'all';
  }

  markStale(id?: string): void {
    if (id === undefined) this.#stale = 'all';
    else if (this.#stale !== 'all') this.#stale.add(id);
  }

  /** Fetches marked objects. Failed ones stay marked, so the next snapshot is complete or fails too. */
  async refresh(): Promise<void> {
    const stale = this.#stale;
    this.#stale = new Set();
    try {
      if (stale === 'all') await this.#refreshAll();
      else for (const id of stale) await this.#refreshOne(id);
    } catch (error) {
      this.#stale = 'all';
      throw error;
    }
    const items = [...this.#known.values()].map(({ item }) => item);
    if (!sameItems(items, this.#items)) this.#items = items;
  }

  async #refreshAll(): Promise<void> {
    const listed = (await this.#list()).map((answer) => [idOf(answer), this.#remember(answer)] as const);
    const before = this.#known;
    this.#known = new Map(listed);
    // A truncated list looks like a smaller swarm, so missing objects are fetched one by one before they count as removed.
    for (const id of before.keys()) if (!this.#known.has(id)) await this.#refreshOne(id);
  }

  async #refreshOne(id: string): Promise<void> {
    try {
      this.#known.set(id, this.#remember(await this.#inspect(id)));
    } catch (error) {
      if (!isStatus(error, 404)) throw error;
      this.#known.delete(id);
    }
  }

  #remember(answer: unknown): Known<T> {
    const known = this.#known.get(idOf(answer));
    const index = Versioned.safeParse(answer).data?.Version.Index;
    if (known && index !== undefined && known.index === index) return known;
    const item = this.#read(answer);
    return { index, item: known && isDeepStrictEqual(known.item, item) ? known.item : item };
  }
}

function idOf(answer: unknown): string {
  const identity = parseAnswer(Identity, answer);
  return 'ID' in identity ? identity.ID : identity.Id;
}
