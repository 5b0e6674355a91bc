import { memoize } from '../../lib/memo.ts';
import { changesBetween } from '../../lib/sorter.ts';
import type { Host } from '../hosts/host.ts';
import type { RoutedService } from '../parse-service.ts';
import { type Claim, claimsOf, type Refusal } from './claim.ts';
import { createJudge, type HostRules } from './rules.ts';

/** The verdicts of the settings on each claim, updated incrementally from one list of services to the next. */
export class Claims {
  readonly free: (service: RoutedService) => Claim[];
  readonly #isShared: boolean;
  readonly #refused: (service: RoutedService) => Refusal[];
  #services: readonly RoutedService[] = [];
  readonly #closed = new Set<RoutedService>();
  /** Claims of mode open, by cluster and host. */
  readonly #byHost = new Map<string, Set<Claim>>();
  readonly #shared = new Set<ReadonlySet<Claim>>();

  constructor(rules: HostRules, managers: readonly (readonly [string, Host])[]) {
    const judge = createJudge(rules, managers);
    const judged = memoize((service: RoutedService) =>
      claimsOf(service).map((claim) => ({ claim, verdict: judge(claim) })),
    );
    this.#isShared = rules.mode === 'open';
    this.free = memoize((service) =>
      judged(service).flatMap(({ claim, verdict }) => (verdict === 'free' ? [claim] : [])),
    );
    this.#refused = memoize((service) =>
      judged(service).flatMap(({ claim, verdict }) => (typeof verdict === 'string' ? [] : [{ claim, ...verdict }])),
    );
  }

  update(services: readonly RoutedService[]): void {
    const { removed, added } = changesBetween(this.#services, services);
    this.#services = services;
    for (const service of removed) this.#forget(service);
    for (const service of added) this.#add(service);
  }

  get refusals(): Refusal[] {
    return [...this.#closed].flatMap(this.#refused);
  }

  /** Claims of the same host. */
  get shared(): ReadonlySet<Claim>[] {
    return [...this.#shared];
  }

  #add(service: RoutedService): void {
    if (this.#refused(service).length > 0) this.#closed.add(service);
    if (!this.#isShared) return;
    for (const claim of this.free(service)) {
      const key = placeOf(claim);
      const same = this.#byHost.get(key) ?? new Set();
      this.#byHost.set(key, same.add(claim));
      if (same.size > 1) this.#shared.add(same);
    }
  }

  #forget(service: RoutedService): void {
    this.#closed.delete(service);
    if (!this.#isShared) return;
    for (const claim of this.free(service)) {
      const key = placeOf(claim);
      const same = this.#byHost.get(key);
      same?.delete(claim);
      if (same && same.size < 2) this.#shared.delete(same);
      if (same?.size === 0) this.#byHost.delete(key);
    }
  }
}

function placeOf({ service, host }: Claim): string {
  return `${service.serviceCluster} ${host?.kind} ${host?.name}`;
}
