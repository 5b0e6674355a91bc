import type { Bed } from '../../bed/bed.ts';

interface MemoryStats {
  readonly usage?: number;
  readonly limit?: number;
  readonly stats?: { readonly active_file?: number; readonly inactive_file?: number };
}

export interface Memory {
  /** Bytes used by the largest container: processes, files in /tmp and socket buffers, without the page cache. */
  readonly used: number;
  /** Lowest memory limit of the containers. */
  readonly limit: number;
}

/** Memory of a service's containers, as the nodes' engines report it. */
export async function memoryOf(bed: Bed, service = 'signalbox-proxy'): Promise<Memory> {
  const filters = { label: [`com.docker.swarm.service.name=${service}`], status: ['running'] };
  const found: Memory[] = [];
  for (const { docker } of bed.nodes)
    for (const { Id } of await docker.listContainers({ filters })) {
      const { memory_stats } = await docker.getContainer(Id).stats({ stream: false, 'one-shot': true });
      const { usage = 0, limit = 0, stats } = memory_stats as unknown as MemoryStats;
      // A container that has just ended has no statistics.
      if (stats) found.push({ used: usage - (stats.active_file ?? 0) - (stats.inactive_file ?? 0), limit });
    }
  return {
    used: Math.max(...found.map(({ used }) => used)),
    limit: Math.min(...found.map(({ limit }) => limit)),
  };
}

/** Samples the memory until it is disposed of. */
export class MemoryWatch implements AsyncDisposable {
  readonly #bed: Bed;
  readonly #looking: Promise<void>;
  #isOver = false;
  #peak = 0;

  constructor(bed: Bed) {
    this.#bed = bed;
    this.#looking = this.#look();
  }

  /** Largest use of one container so far, in bytes. */
  get peak(): number {
    return this.#peak;
  }

  async #look(): Promise<void> {
    while (!this.#isOver) this.#peak = Math.max(this.#peak, (await memoryOf(this.#bed)).used);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    await this.#looking;
  }
}
