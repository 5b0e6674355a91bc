import { mkdir, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { orAborted } from '../../lib/or-aborted.ts';
import { dockersResolver, queriesAtOnce } from '../../model/dns/dockers-dns.ts';
import { decodeCase } from '../../model/dns/name-case.ts';
import { configurationsIn } from './configurations.ts';
import { NameRelay, type NameRelayOptions } from './name-relay.ts';

const LOOPBACK = '127.0.0.1';
/** nginx repeats a query after 5 s. */
const QUERY_TIMEOUT_MS = 4500;
const PATIENCE_MS = 5000;
const PATIENCE_PER_NAME_MS = 2;

/**
 * nginx queries the names of all upstreams at once when it starts. The socket of Docker's DNS has room for a few hundred queries. nginx repeats the
 * others after 5 s, and again after 10 s: until then their routes answer 502. Therefore an nginx with more names starts with a copy of its
 * configuration that queries a relay in the agent, which has enough sockets and passes on only as many queries at once as Docker's DNS takes. Then
 * nginx loads the configuration itself. A reload keeps the addresses of names.
 */
export class PacedNames implements AsyncDisposable {
  readonly #relay: NameRelay;
  readonly #names: NamesToLearn;

  private constructor(relay: NameRelay, names: NamesToLearn) {
    this.#relay = relay;
    this.#names = names;
  }

  /** `names` as nginx queries them. */
  static async start(names: readonly string[], options: Pick<NameRelayOptions, 'server'> = {}): Promise<PacedNames> {
    // The others have a relay of their own.
    const toLearn = new NamesToLearn(names.filter((name) => decodeCase(name) === undefined));
    const relay = await NameRelay.start({
      listen: { host: LOOPBACK, port: 0 },
      ports: Math.max(1, Math.ceil(toLearn.count / queriesAtOnce)),
      toQueried: (name) => {
        toLearn.queried(name);
        return name;
      },
      onAnswered: (name) => toLearn.answered(name),
      timeoutMs: QUERY_TIMEOUT_MS,
      ...options,
    });
    return new PacedNames(relay, toLearn);
  }

  /** Writes a copy of the configuration in `folder`, which queries this relay, to `copy`. */
  async writeCopy(folder: string, copy: string): Promise<void> {
    await rm(copy, { recursive: true, force: true });
    await mkdir(copy, { recursive: true });
    const relays = `resolver ${this.#relay.ports.map((port) => `${LOOPBACK}:${port}`).join(' ')} `;
    const written = new Set<string>();
    for await (const { name, text } of configurationsIn(folder)) {
      if (!text.includes(dockersResolver)) continue;
      await writeFile(join(copy, name), text.replaceAll(dockersResolver, relays));
      written.add(name);
    }
    const others = (await readdir(folder)).filter((name) => !written.has(name));
    for (const name of others) await symlink(join(folder, name), join(copy, name));
  }

  /** Resolves when nginx has the addresses of all names. Names that nobody answers delay it by seconds. */
  async learned(signal: AbortSignal): Promise<void> {
    const patience = AbortSignal.timeout(PATIENCE_MS + PATIENCE_PER_NAME_MS * this.#names.count);
    await orAborted(this.#names.learned, AbortSignal.any([signal, patience]));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#relay[Symbol.asyncDispose]();
  }
}

/** nginx has learned the answer for a name when it queries the name again, a second later: it may be late in reading answers. */
class NamesToLearn {
  readonly learned: Promise<void>;
  readonly #unanswered: Set<string>;
  readonly #unlearned: Set<string>;
  readonly #done: () => void;

  constructor(names: readonly string[]) {
    this.#unanswered = new Set(names);
    this.#unlearned = new Set(names);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.learned = promise;
    this.#done = resolve;
    if (names.length === 0) resolve();
  }

  get count(): number {
    return this.#unlearned.size;
  }

  answered(name: string): void {
    this.#unanswered.delete(name);
  }

  queried(name: string): void {
    if (this.#unanswered.has(name)) return;
    this.#unlearned.delete(name);
    if (this.#unlearned.size === 0) this.#done();
  }
}
