import type { ClusterState } from '../../model/cluster-state.ts';
import type { Snapshot } from '../../model/snapshot.ts';
import type { Action } from '../plan/actions.ts';
import type { Observed } from '../plan/observed.ts';
import { planAnswer, prepare } from '../plan/plan.ts';
import { planUnused } from '../plan/unused-services.ts';
import type { Renderer } from '../ports.ts';

/** What a pass would do now. */
export interface PlannedActions {
  /** Milliseconds since the epoch; undefined before the first observation. */
  readonly observedAt: number | undefined;
  /** In order. Without a cluster, they belong to clusters that are disabled or removed. */
  readonly actions: readonly PlannedAction[];
  /** Clusters that wait for a change in progress and are checked again soon. */
  readonly waiting: readonly string[];
  /** Clusters that no pass has observed yet. */
  readonly unobserved: readonly string[];
}

export interface PlannedAction {
  readonly cluster: string | undefined;
  readonly action: Action;
}

interface Seen {
  readonly desired: ClusterState;
  readonly observed: Observed;
}

/** Plans from the last observation, as a pass would. Writes nothing, asks nobody, and shares nothing with the loop that it could change. */
export class PlanPreview {
  readonly #renderer: Pick<Renderer, 'reports' | 'answerTo'>;
  readonly #now: () => number;
  #last: { readonly at: number; readonly snapshot: Snapshot; readonly active: readonly string[] } | undefined;
  readonly #seen = new Map<string, Seen>();

  constructor(renderer: Pick<Renderer, 'reports' | 'answerTo'>, now: () => number) {
    this.#renderer = renderer;
    this.#now = now;
  }

  /** A pass has observed the swarm. */
  begin(snapshot: Snapshot, clusters: readonly ClusterState[]): void {
    const active = clusters.map(({ cluster }) => cluster.name);
    this.#last = { at: this.#now(), snapshot, active };
    for (const name of this.#seen.keys()) if (!active.includes(name)) this.#seen.delete(name);
  }

  /** A pass has observed one cluster. */
  observe(desired: ClusterState, observed: Observed): void {
    this.#seen.set(desired.cluster.name, { desired, observed });
  }

  get planned(): PlannedActions {
    const { at, snapshot, active = [] } = this.#last ?? {};
    const unused = snapshot ? planUnused(snapshot, active) : [];
    const seen = active.flatMap((name) => this.#seen.get(name) ?? []);
    const plans = seen.map((one) => ({ name: one.desired.cluster.name, ...this.#plan(one) }));
    return {
      observedAt: at,
      actions: [
        ...unused.map((action) => ({ cluster: undefined, action })),
        ...plans.flatMap(({ name, actions }) => actions.map((action) => ({ cluster: name, action }))),
      ],
      waiting: plans.filter(({ isWaiting }) => isWaiting).map(({ name }) => name),
      unobserved: active.filter((name) => !this.#seen.has(name)),
    };
  }

  #plan({ desired, observed: before }: Seen): { readonly actions: readonly Action[]; readonly isWaiting: boolean } {
    const now = this.#now();
    const observed = { ...before, now };
    const { ServiceName } = desired.cluster.settings;
    const reports = this.#renderer.reports(ServiceName);
    const { actions, next } = prepare(desired, observed, reports);
    if (next.kind === 'observe') return { actions, isWaiting: true };
    const answer = next.kind === 'render' ? this.#renderer.answerTo(ServiceName, next.render.input) : next.answer;
    // The rest depends on the answer.
    if (answer === undefined)
      return { actions: next.kind === 'render' ? [...actions, next.render] : actions, isWaiting: true };
    const plan = planAnswer(desired, observed, reports, next.basis, answer, now);
    return { actions: [...actions, ...plan.actions], isWaiting: plan.rolling || plan.isSpreading };
  }
}
