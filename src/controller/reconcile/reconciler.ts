import type { Logger } from '../../lib/logger.ts';
import { memoizeLast } from '../../lib/memo.ts';
import type { UnderWay } from '../../lib/under-way.ts';
import { type Administration, applyPorts } from '../../model/access/administration.ts';
import type { Backends } from '../../model/backends/backends.ts';
import type { ClusterState } from '../../model/cluster-state.ts';
import { createStateBuilder, type DesiredState } from '../../model/desired-state.ts';
import { hasWorkers } from '../../model/own-services/owned-service.ts';
import { limitProblems, type Problem, sortProblems } from '../../model/problem.ts';
import { problemKind } from '../../model/problem-kind.ts';
import type { Settings } from '../../model/settings/settings.ts';
import type { Snapshot, StoredObject } from '../../model/snapshot.ts';
import { TextChecks } from '../../nginx-text/check-text.ts';
import { Applier } from '../apply/apply.ts';
import { AttemptBook } from '../observe/attempt-book.ts';
import type { BackendBook } from '../observe/backend-book.ts';
import { DoubtBook } from '../observe/doubt-book.ts';
import { MaterialBook } from '../observe/material-book.ts';
import { ReadSecretsBook } from '../observe/read-secrets.ts';
import { SpreadBook } from '../observe/spread-book.ts';
import { Timeline } from '../observe/timeline.ts';
import { planUnused } from '../plan/unused-services.ts';
import { ConflictError, type Credentials, type Renderer, type SecretReader, type Swarm } from '../ports.ts';
import { ClusterRuns } from './cluster-runs.ts';
import type { PlanPreview } from './preview.ts';
import { type ClusterOutcome, reconcileCluster } from './reconcile-cluster.ts';
import type { StatusBoard } from './status.ts';

export const noWorkers = problemKind({
  id: 'no-workers',
  severity: 'notice',
  meaning: `Proxies normally run on workers, where they cannot reach the Docker socket of a manager. This swarm has none.`,
  reason: () => 'The swarm has no workers, so the extension and the proxies run on managers',
  remedy: 'Add a worker; they move there automatically. Or set Constraints and ProxyConstraints.',
  example: [],
});

export interface ReconcilerOptions {
  readonly swarm: Swarm;
  readonly renderer: Renderer;
  readonly credentials: Credentials;
  readonly secretReader: SecretReader;
  readonly status: StatusBoard;
  readonly settings: Settings;
  /** Administrators' decisions beyond the settings, given the Docker configs seen in the swarm. */
  readonly administration: (configs: readonly StoredObject[]) => Promise<Administration>;
  /** Problems of the settings file itself. */
  readonly settingsProblems: readonly Problem[];
  /** Problems of certificates from ACME servers. */
  readonly certificateProblems?: () => readonly Problem[];
  readonly logger: Logger;
  readonly now: () => number;
  readonly backendBook: Pick<BackendBook, 'judge'>;
  /** Keeps what passes observe. */
  readonly preview: PlanPreview;
  /** Tracks passes and the runs of single clusters, which may continue after a pass. */
  readonly underWay: UnderWay;
  /** Called when a cluster's run ends that its pass did not wait for. */
  readonly onLate?: () => void;
}

/**
 * `triggered` resolves when another pass is due: this one then stops waiting for slow clusters. `seenAt` is the time of the first event that the pass
 * handles, in milliseconds since the epoch.
 */
export type Pass = (signal: AbortSignal, seenAt: number, triggered?: Promise<void>) => Promise<PassResult>;

export interface PassResult {
  /**
   * A roll-out is in progress, or replicas are to be spread: check again soon, because Swarm has no events for tasks.
   */
  readonly rolling: boolean;
}

/**
 * One pass: observes everything, builds the desired state, and brings every cluster closer to it. If observing fails, nothing is published. A failing
 * cluster does not delay others; its error is thrown after all have run.
 */
export function createReconciler(options: ReconcilerOptions): Pass {
  const { swarm, status, underWay, now } = options;
  const attempts = new AttemptBook();
  const timeline = new Timeline();
  const textChecks = new TextChecks();
  const buildDesiredState = createStateBuilder();
  const settingsFor = memoizeLast(applyPorts);
  const materialBook = new MaterialBook(options.renderer);
  const readSecrets = new ReadSecretsBook(swarm, options.credentials);
  const spreadBook = new SpreadBook();
  const doubtBook = new DoubtBook(options.renderer);
  const runs = new ClusterRuns(options.onLate);
  const pass: Pass = async (signal, seenAt, triggered) => {
    const { clusters } = options.settings;
    doubtBook.note(clusters, runningProxies(status.current?.outcomes ?? []), now());
    const snapshot = await swarm.observe((services) => doubtBook.follows(clusters, services));
    const administration = await options.administration(snapshot.configs);
    const settings = settingsFor(options.settings, administration);
    // If routing is off, no cluster is active, but the routes are still shown.
    const read = await readSecrets.read(settings.clusters, snapshot);
    const material = materialBook.read(settings.clusters, snapshot, now(), read);
    const doubts = doubtBook.judge(snapshot, now());
    const desired = buildDesiredState(snapshot, settings, administration.maintenance, material, doubts);
    const active = administration.enabled ? desired.clusters : [];
    options.preview.begin(snapshot, active);
    const clusterOptions = { ...options, attempts, timeline, textChecks, spreadBook };
    // Runs first: a removed cluster may hold a port that another one requires.
    const unused = planUnused(
      snapshot,
      active.map(({ cluster }) => cluster.name),
    );
    const removed = await Promise.allSettled([new Applier(clusterOptions, signal).apply(unused)]);
    const run = (desired: ClusterState) => (signal: AbortSignal, seenAt: number) => {
      const held = administration.held[desired.cluster.name];
      return underWay.track(() => reconcileCluster(desired, snapshot, { ...clusterOptions, held, seenAt }, signal));
    };
    const settled = await runs.run(
      active.map((cluster) => ({ name: cluster.cluster.name, run: run(cluster) })),
      { signal, seenAt, triggered },
    );
    // The last outcome of a failing or unfinished cluster stays valid, including its problems.
    const outcomes = active.flatMap(({ cluster: { name } }, position) => {
      const result = settled[position];
      if (result?.status === 'fulfilled') return [result.value];
      return status.current?.outcomes.filter((outcome) => outcome.name === name) ?? [];
    });
    const backends = options.backendBook.judge(snapshot, desired, runningProxies(outcomes));
    const problems = allProblems(options, snapshot, desired, outcomes, backends);
    status.record({ at: now(), snapshot, desired, outcomes, problems, backends });
    const errors = [...removed, ...settled].flatMap((result) => (result?.status === 'rejected' ? [result.reason] : []));
    if (errors.length > 0) throw combine(errors);
    return { rolling: outcomes.some(({ rolling, isReading, isSpreading }) => rolling || isReading || isSpreading) };
  };
  return (...circumstances) => underWay.track(() => pass(...circumstances));
}

/**
 * Tasks with the desired state running, as seen in the last pass: a task that is being stopped has left its networks.
 */
function runningProxies(outcomes: readonly ClusterOutcome[]): Set<string> {
  const tasks = outcomes.flatMap(({ tasks }) => tasks);
  return new Set(tasks.filter(({ desiredState }) => desiredState === 'running').map(({ id }) => id));
}

function combine(errors: readonly Error[]): Error {
  const [first] = errors;
  if (errors.length === 1 || errors.every((error) => error instanceof ConflictError)) return first!;
  return new AggregateError(errors, errors.map(({ message }) => message).join('; '));
}

function allProblems(
  { settings, settingsProblems, certificateProblems }: ReconcilerOptions,
  snapshot: Snapshot,
  desired: DesiredState,
  outcomes: readonly ClusterOutcome[],
  backends: Backends,
): Problem[] {
  const all = sortProblems([
    ...settingsProblems,
    ...desired.problems,
    ...desired.clusters.flatMap(({ cluster, table }) =>
      table.problems.map((problem) => ({ ...problem, cluster: cluster.name })),
    ),
    ...outcomes.flatMap(({ problems }) => problems),
    ...[...backends.values()].flatMap(({ problem }) => problem ?? []),
    ...(certificateProblems?.() ?? []),
    ...(hasWorkers(snapshot.nodes) ? [] : relaxedPlacement(settings)),
  ]);
  return limitProblems(all);
}

function relaxedPlacement({ clusters }: Settings): Problem[] {
  return clusters
    .filter(({ settings }) => settings.Constraints === null || settings.ProxyConstraints === null)
    .map(({ name }) => ({
      ...noWorkers(),
      cluster: name,
    }));
}
