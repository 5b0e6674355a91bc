import { plainText } from '../../lib/plain-text.ts';
import type { RequestError } from '../../model/traffic.ts';
import { errorReason, triedTask } from './error-reason.ts';
import type { NamedRoute } from './route-names.ts';

export interface KeptError extends NamedRoute {
  readonly cluster: string;
  readonly at: number;
  readonly request: string;
  readonly status: number;
  readonly id: string;
  readonly address: string | null;
  readonly reason: string;
}

const KEPT_PER_HOST = 20;
const KEPT = 2000;
const MOST_TEXT = 300;

/** The last errors of each host, the oldest first. */
export class ErrorBook {
  readonly #hosts = new Map<string, KeptError[]>();
  #size = 0;

  add(cluster: string, route: NamedRoute, error: RequestError): void {
    const name = `${cluster}\n${route.host}`;
    const kept = this.#hosts.get(name) ?? [];
    kept.push({
      ...route,
      cluster,
      at: error.at,
      request: plainText(error.request, MOST_TEXT),
      status: error.status,
      id: plainText(error.id, MOST_TEXT),
      address: triedTask(error),
      reason: errorReason(error),
    });
    this.#size += 1;
    if (kept.length > KEPT_PER_HOST) {
      kept.shift();
      this.#size -= 1;
    }
    // The hosts are ordered by their last error.
    this.#hosts.delete(name);
    this.#hosts.set(name, kept);
    if (this.#size > KEPT) this.#dropOldest();
  }

  #dropOldest(): void {
    const [name, kept] = this.#hosts.entries().next().value!;
    this.#size -= kept.length;
    this.#hosts.delete(name);
  }

  /** The newest first. */
  find(isShown: (error: KeptError) => boolean, most: number): KeptError[] {
    return [...this.#hosts.values()]
      .flat()
      .filter(isShown)
      .toSorted((a, b) => b.at - a.at)
      .slice(0, most);
  }
}
