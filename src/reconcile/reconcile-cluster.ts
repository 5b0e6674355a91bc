import type { ClusterState } from '../model/desired-state.ts';
import { versionLabel } from '../model/names.ts';
import type { Problem } from '../model/problem.ts';
import { toRenderInput } from '../model/render-input.ts';
import type { OwnedTask, Snapshot } from '../model/snapshot.ts';
import type { ClusterOptions } from './cluster-options.ts';
import { ensureExtension } from './extension-service.ts';
import { heldRendering } from './held-rendering.ts';
import { SettingsRefusedError } from './ports.ts';
import { ensureProxy, removeOldConfigs } from './proxy-service.ts';
import { noReplicaProblem } from './rollout.ts';

/** What a pass did for one cluster, for the administrator's eyes. */
export interface ClusterOutcome {
  readonly name: string;
  /** Version that the proxies should serve; undefined before the first. */
  readonly version: string | undefined;
  /** Version that the proxy service was last given; differs while a roll-out waits, and after one was refused. */
  readonly served: string | undefined;
  /** The proxies are on their way to that version, or wait for a roll-out under way. */
  readonly rolling: boolean;
  readonly problems: readonly Problem[];
  readonly tasks: readonly OwnedTask[];
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
  const served = proxy?.labels[versionLabel];
  const outcome = { name, tasks, served, version: served, rolling: false };
  try {
    const template = await readTemplate(state, snapshot, options, signal);
    const rendering =
      (await heldRendering(state, snapshot, options, signal)) ??
      (await renderer.render(settings.ServiceName, toRenderInput(state, template), signal));
    const rolled = await ensureProxy(state, snapshot, proxy, rendering, options, signal);
    await removeOldConfigs(state, snapshot, proxy, rendering, options, signal);
    return {
      ...outcome,
      version: rendering.version,
      rolling: rolled.rolling,
      problems: [
        ...extension.problems,
        ...rendering.problems,
        ...rolled.problems,
        ...noReplicaProblem(tasks, settings.ProxyServiceName, name),
      ],
    };
  } catch (error) {
    if (!(error instanceof SettingsRefusedError)) throw error;
    return { ...outcome, problems: [...extension.problems, settingsRefused(name, error.message)] };
  }
}

/** The administrator's own template, where the settings name one. */
async function readTemplate(
  { cluster }: ClusterState,
  { configs }: Snapshot,
  { swarm }: ClusterOptions,
  signal: AbortSignal,
): Promise<string | undefined> {
  const wanted = cluster.settings.Template;
  if (wanted === '') return undefined;
  const config = configs.find(({ name }) => name === wanted);
  if (!config) throw new SettingsRefusedError(`there is no Docker config ${wanted}, which Template names`);
  return await swarm.readConfig(config.id, signal);
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
