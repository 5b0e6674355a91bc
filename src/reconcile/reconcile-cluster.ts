import type { ClusterState } from '../model/desired-state.ts';
import { versionLabel } from '../model/names.ts';
import type { Problem } from '../model/problem.ts';
import { toRenderInput } from '../model/render-input.ts';
import type { OwnedTask, Snapshot } from '../model/snapshot.ts';
import { reportOf, versionInPlace } from './change-in-place.ts';
import type { ClusterOptions } from './cluster-options.ts';
import { ensureExtension } from './extension-service.ts';
import { heldRendering } from './held-rendering.ts';
import { readOwnTexts } from './own-texts.ts';
import { type Replicas, SettingsRefusedError } from './ports.ts';
import { ensureProxy, planProxy, removeOldConfigs } from './proxy-service.ts';
import { noReplicaProblem } from './rollout.ts';
import type { TimedChange } from './timeline.ts';

/** What a pass did for one cluster, for the administrator's eyes. */
export interface ClusterOutcome {
  readonly name: string;
  /** Version that the proxies should serve; undefined before the first. */
  readonly version: string | undefined;
  /** Version that all replicas serve, or were started for; differs while a change is under way, and after one was refused. */
  readonly served: string | undefined;
  /** The proxies are on their way to that version, or wait for a roll-out under way. */
  readonly rolling: boolean;
  readonly problems: readonly Problem[];
  readonly tasks: readonly Replica[];
  /** The last changes and the time they took, the newest first. */
  readonly changes: readonly TimedChange[];
}

export interface Replica extends OwnedTask {
  /** What its agent says that nginx serves; where there is none, what it was started for. */
  readonly version: string | undefined;
}

/** Brings one cluster closer to what it should be. Safe to repeat; writes nothing when there is nothing to do. */
export async function reconcileCluster(
  state: ClusterState,
  snapshot: Snapshot,
  options: ClusterOptions,
  signal: AbortSignal,
): Promise<ClusterOutcome> {
  const { swarm, renderer } = options;
  const { name, settings } = state.cluster;
  const owned = snapshot.owned.filter(({ cluster }) => cluster === name);
  const proxy = owned.find(({ role }) => role === 'proxy');
  const extension = await ensureExtension(
    state,
    snapshot,
    owned.find(({ role }) => role === 'extension'),
    options,
    signal,
  );
  const tasks = proxy === undefined ? [] : await swarm.tasks(proxy.id, signal);
  const heard = renderer.replicas(settings.ServiceName);
  const served = versionInPlace(tasks, heard) ?? proxy?.labels[versionLabel];
  const replicas = toReplicas(tasks, heard, snapshot);
  const { timeline, seenAt, now } = options;
  const outcome = () => ({
    name,
    tasks: replicas,
    served,
    version: served,
    rolling: false,
    changes: timeline.of(name),
  });
  try {
    const own = await readOwnTexts(state, snapshot, options, signal);
    const plan = await planProxy(state, snapshot, proxy && { service: proxy, tasks }, options, signal);
    const rendering =
      (await heldRendering(state, snapshot, options, signal)) ??
      (await renderer.render(settings.ServiceName, toRenderInput(state, own.texts), signal, plan.boot));
    timeline.rendered(name, rendering.version, seenAt, now());
    const up = replicas.filter(isUp);
    timeline.served(name, up, now());
    const rolled = await ensureProxy(state, snapshot, plan, rendering, options, signal);
    const inUse = up.flatMap(({ version }) => version ?? []);
    await removeOldConfigs(state, snapshot, proxy, rendering, inUse, options, signal);
    return {
      ...outcome(),
      version: rendering.version,
      rolling: rolled.rolling,
      problems: [
        ...extension.problems,
        ...own.problems,
        ...rendering.problems,
        ...rolled.problems,
        ...noReplicaProblem(tasks, settings.ProxyServiceName, name),
      ],
    };
  } catch (error) {
    if (!(error instanceof SettingsRefusedError)) throw error;
    return { ...outcome(), problems: [...extension.problems, settingsRefused(name, error.message)] };
  }
}

function toReplicas(tasks: readonly OwnedTask[], heard: Replicas | undefined, { configs }: Snapshot): Replica[] {
  const versions = new Map(configs.map(({ id, labels }) => [id, labels[versionLabel]]));
  const startedFor = ({ configIds }: OwnedTask) => configIds.flatMap((id) => versions.get(id) ?? [])[0];
  return tasks.map((task) => ({ ...task, version: reportOf(heard, task.id)?.serving ?? startedFor(task) }));
}

/** Swarm keeps a roll-out's older tasks until the new ones are healthy: they count while they run. */
function isUp({ state }: Replica): boolean {
  return state === 'running';
}

function settingsRefused(cluster: string, message: string): Problem {
  return {
    severity: 'error',
    cluster,
    label: `Extensions.${cluster}.Config`,
    reason: `The configuration is refused: ${message}`,
    remedy: 'Correct the raw options, or the template. The last good configuration is served.',
  };
}
