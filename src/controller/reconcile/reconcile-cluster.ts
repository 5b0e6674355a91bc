import type { ClusterState } from '../../model/cluster-state.ts';
import { versionLabel } from '../../model/names.ts';
import type { Problem } from '../../model/problem.ts';
import type { Snapshot } from '../../model/snapshot.ts';
import type { Reports } from '../../model/version.ts';
import { Applier, type ApplierOptions } from '../apply/apply.ts';
import { type ObserverOptions, observeCluster } from '../observe/observe-cluster.ts';
import type { TimedChange, Timeline } from '../observe/timeline.ts';
import type { Observed } from '../plan/observed.ts';
import { planAnswer, prepare } from '../plan/plan.ts';
import { isUp, type Replica, reportsAbout, toReplicas, versionInPlace } from '../plan/replicas.ts';
import type { PlanPreview } from './preview.ts';

/** The result of a pass for one cluster, for display. */
export interface ClusterOutcome {
  readonly name: string;
  /** Version that the proxies should serve; undefined before the first. */
  readonly version: string | undefined;
  /** The version that all replicas serve or were started for. Differs during a change and after a rejected one. */
  readonly served: string | undefined;
  /** The proxies are switching to that version, or wait for a roll-out in progress. */
  readonly rolling: boolean;
  /** Secrets are being read for the proxies. */
  readonly isReading: boolean;
  /** Replicas are, or are about to be, spread over the nodes again. */
  readonly isSpreading: boolean;
  readonly problems: readonly Problem[];
  readonly tasks: readonly Replica[];
  /** The last changes and their times, the newest first. */
  readonly changes: readonly TimedChange[];
}

export interface ClusterOptions extends ObserverOptions, Omit<ApplierOptions, 'attempts'> {
  readonly timeline: Timeline;
  readonly preview: PlanPreview;
  /** The time of the first event that this pass handles. */
  readonly seenAt: number;
  /** The version at which an administrator holds the cluster. */
  readonly held: string | undefined;
}

/** Brings one cluster closer to its desired state. Safe to repeat; writes nothing if nothing has changed. */
export async function reconcileCluster(
  desired: ClusterState,
  snapshot: Snapshot,
  options: ClusterOptions,
  signal: AbortSignal,
): Promise<ClusterOutcome> {
  const { renderer, timeline, attempts, now } = options;
  const { name, settings } = desired.cluster;
  const observed = await observeCluster(desired, snapshot, options.held, options);
  options.preview.observe(desired, observed);
  const applier = new Applier(options, signal);
  const preparation = prepare(desired, observed, renderer.reports(settings.ServiceName));
  await applier.apply(preparation.actions);
  attempts.record(preparation.attempts);

  const { replicas, served } = servedBy(observed, renderer.reports(settings.ServiceName));
  const outcome = () => ({ name, tasks: replicas, served, version: served, changes: timeline.of(name) });
  const { next, problems } = preparation;
  const { isReading } = preparation;
  if (next.kind === 'observe') return { ...outcome(), rolling: true, isReading, isSpreading: false, problems };
  const answer = next.kind === 'render' ? await applier.render(next.render) : next.answer;
  const version = answer.kind === 'rendered' ? answer.rendering.version : undefined;
  if (version !== undefined) {
    timeline.rendered(name, version, options.seenAt, now());
    timeline.served(name, replicas.filter(isUp), now());
  }
  const renderedAt = timeline.of(name).find((change) => change.version === version)?.renderedAt ?? now();
  // Rendering may take long, and replicas go on meanwhile.
  const latest = { ...observed, now: now() };
  const plan = planAnswer(desired, latest, renderer.reports(settings.ServiceName), next.basis, answer, renderedAt);
  await applier.apply(plan.actions);
  attempts.record(plan.attempts);
  const { rolling, isSpreading } = plan;
  return {
    ...outcome(),
    ...(version === undefined ? {} : { version }),
    ...{ rolling, isReading, isSpreading },
    problems: [...problems, ...plan.problems],
  };
}

function servedBy({ proxy, snapshot }: Observed, reports: Reports | undefined) {
  if (!proxy) return { replicas: [], served: undefined };
  const { service, tasks } = proxy;
  const trusted = reportsAbout(tasks, reports);
  return {
    replicas: toReplicas(tasks, trusted, snapshot.configs),
    served: versionInPlace(tasks, trusted) ?? service.labels[versionLabel],
  };
}
