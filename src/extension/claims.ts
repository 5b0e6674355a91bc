import { plainAddress } from '../lib/plain-address.ts';
import type { TaskAddresses } from '../model/version.ts';

/** An agent that is silent for this long is considered gone. */
export const SILENCE_MS = 120_000;
/** For all proxies of a cluster. */
const MAX_TASKS = 512;
/**
 * Each task has its own address on the control network. The limit is higher, because Swarm reuses addresses and a load balancer would hide the
 * addresses of a node's tasks.
 */
const MAX_TASKS_PER_ADDRESS = 32;

export interface Claimant {
  readonly task: string;
  /** Source address of the connection. */
  readonly address: string;
  /** Chosen by the agent at startup; undefined in earlier releases. */
  readonly instance: string | undefined;
}

interface Claim {
  readonly source: string;
  readonly address: string;
  readonly at: number;
}

/**
 * Tracks which source reports for which task. The agents of a cluster share one identity and are distinguished by their task's address.
 * A report from the address of another task is rejected. A task that is unknown, or whose address is hidden by a load balancer, belongs
 * to its first reporter until its own address reports. The number of tasks is limited per address and in total.
 */
export class Claims {
  readonly #now: () => number;
  readonly #claims = new Map<string, Claim>();
  #addresses: ReadonlyMap<string, readonly string[]> = new Map();
  #owners: ReadonlyMap<string, string> = new Map();

  constructor(now: () => number) {
    this.#now = now;
  }

  /** All tasks of the cluster's proxies. */
  know(tasks: readonly TaskAddresses[]): void {
    this.#addresses = new Map(tasks.map(({ task, addresses }) => [task, addresses]));
    // Swarm reuses addresses of ended tasks. The newest task is listed first and owns the address.
    this.#owners = new Map(
      tasks.toReversed().flatMap(({ task, addresses }) => addresses.map((address) => [address, task] as const)),
    );
    for (const [task, { address }] of this.#claims) if (this.#isOfAnother(task, address)) this.#claims.delete(task);
  }

  /** Why the report is rejected; undefined if it is accepted. */
  reject({ task, address: source, instance }: Claimant): string | undefined {
    this.#forget();
    const address = plainAddress(source);
    if (this.#isOfAnother(task, address)) return 'This address belongs to another task';
    const origin = instance ?? address;
    const known = this.#claims.get(task);
    if (known && known.source !== origin && (this.#isOf(task, known.address) || !this.#isOf(task, address)))
      return 'Another agent reports for this task';
    if (!known) {
      if (this.#claims.size >= MAX_TASKS) return 'Too many reporting tasks';
      const own = [...this.#claims.values()].filter((claim) => claim.address === address);
      if (own.length >= MAX_TASKS_PER_ADDRESS) return 'Too many reporting tasks from this address';
    }
    this.#claims.delete(task);
    this.#claims.set(task, { source: origin, address, at: this.#now() });
    return undefined;
  }

  #isOf(task: string, address: string): boolean {
    return this.#addresses.get(task)?.includes(address) ?? false;
  }

  #isOfAnother(task: string, address: string): boolean {
    const owner = this.#owners.get(address);
    return owner !== undefined && owner !== task && !this.#isOf(task, address);
  }

  /** Claims are ordered by their last report, the latest last. */
  #forget(): void {
    for (const [task, { at }] of this.#claims) {
      if (this.#now() - at <= SILENCE_MS) return;
      this.#claims.delete(task);
    }
  }
}
