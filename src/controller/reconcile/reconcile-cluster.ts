import type { ClusterState } from '../../model/cluster-state.ts';
import { controlNetwork, versionLabel } from '../../model/names.ts';
import type { Problem } from '../../model/problem.ts';
import { type RenderInput, toRenderInput } from '../../model/render-input.ts';
import type { OwnedRole, OwnedService, OwnedTask, Snapshot } from '../../model/snapshot.ts';
import type { Rendering } from '../../model/version.ts';
import { type Permissions, permissionsOf } from '../../nginx-text/permissions.ts';
import { heardFrom, reportOf, versionInPlace } from './change-in-place.ts';
import type { ClusterOptions } from './cluster-options.ts';
import { ensureExtension } from './extension-service.ts';
import { heldRendering } from './held-rendering.ts';
import { readOwnTexts } from './own-texts.ts';
import { type Replicas, SettingsRefusedError, TextRefusedError } from './ports.ts';
import { ensureProxy, planProxy, removeOldConfigs } from './proxy-service.ts';
import { rememberForeign } from './remember-foreign.ts';
import { noReplicaProblem } from './rollout.ts';
import { spreadProxies } from './spread-proxies.ts';
import type { TimedChange } from './timeline.ts';

/** The result of a pass for one cluster, for display. */
export interface ClusterOutcome {
  readonly name: string;
  /** Version that the proxies should serve; undefined before the first. */
  readonly version: string | undefined;
  /** The version that all replicas serve or were started for. Differs during a change and after a rejected one. */
  readonly served: string | undefined;
  /** The proxies are switching to that version, or wait for a roll-out in progress. */
  readonly rolling: boolean;
  /** Replicas are, or are about to be, spread over the nodes again. */
  readonly isSpreading: boolean;
  readonly problems: readonly Problem[];
  readonly tasks: readonly Replica[];
  /** The last changes and their times, the newest first. */
  readonly changes: readonly TimedChange[];
}

export interface Replica extends OwnedTask {
  /** The version that nginx serves according to the agent; without an agent, the one that the task was started for. */
  readonly version: string | undefined;
}

/** Brings one cluster closer to its desired state. Safe to repeat; writes nothing if nothing has changed. */
export async function reconcileCluster(
  state: ClusterState,
  snapshot: Snapshot,
  options: ClusterOptions,
  signal: AbortSignal,
): Promise<ClusterOutcome> {
  const { swarm, renderer } = options;
  const { name, settings } = state.cluster;
  const proxy = findOwned(snapshot, 'proxy', name, settings.ProxyServiceName);
  const present = findOwned(snapshot, 'extension', name, settings.ServiceName);
  const extension = await ensureExtension(state, snapshot, present, options, signal);
  const isRemembered = proxy && (await rememberForeign(proxy, state.foreignSecretIds, snapshot, options, signal));
  const tasks = proxy === undefined ? [] : await swarm.tasks(proxy.id, signal);
  await introduce(tasks, state, snapshot, options, signal);
  const heard = heardFrom(tasks, renderer.replicas(settings.ServiceName));
  const served = versionInPlace(tasks, heard) ?? proxy?.labels[versionLabel];
  const replicas = toReplicas(tasks, heard, snapshot);
  const { timeline, seenAt, now } = options;
  const outcome = () => ({
    name,
    tasks: replicas,
    served,
    version: served,
    rolling: false,
    isSpreading: false,
    changes: timeline.of(name),
  });
  const withSpread = async (before: ClusterOutcome): Promise<ClusterOutcome> => {
    if (!proxy) return before;
    const current = { service: proxy, tasks };
    const { isPending, problems } = await spreadProxies(current, snapshot.nodes, before.rolling, options, signal);
    return { ...before, isSpreading: isPending, problems: [...before.problems, ...problems] };
  };
  // The service has changed since it was observed.
  if (isRemembered) return { ...outcome(), rolling: true, problems: extension.problems };
  try {
    const own = await readOwnTexts(state, snapshot, options, signal);
    const input = toRenderInput(state, own.texts);
    const permissions = permissionsOf(input);
    const current = proxy && { service: proxy, tasks };
    const plan = await planProxy(state, snapshot, current, permissions, options, signal);
    const rendering =
      (await heldRendering(state, snapshot, options, signal)) ??
      (await renderChecked(input, permissions, settings.ServiceName, options, signal, plan.boot));
    timeline.rendered(name, rendering.version, seenAt, now());
    const up = replicas.filter(isUp);
    timeline.served(name, up, now());
    const rolled = await ensureProxy(state, snapshot, plan, rendering, options, signal);
    const inUse = up.flatMap(({ version }) => version ?? []);
    await removeOldConfigs(state, snapshot, proxy, rendering, inUse, options, signal);
    return await withSpread({
      ...outcome(),
      version: rendering.version,
      rolling: rolled.rolling,
      problems: [
        ...extension.problems,
        ...own.problems,
        ...rendering.problems,
        ...rolled.problems,
        ...(proxy ? noReplicaProblem(tasks, proxy, now()) : []),
      ],
    });
  } catch (error) {
    const problem = refusalProblem(name, error);
    if (problem === undefined) throw error;
    return withSpread({ ...outcome(), problems: [...extension.problems, problem] });
  }
}

/** A service with another name was renamed in the settings. Labels alone prove nothing: any service can carry ours. */
function findOwned({ owned }: Snapshot, role: OwnedRole, cluster: string, name: string): OwnedService | undefined {
  const candidates = owned.filter((service) => service.role === role && service.cluster === cluster);
  return candidates.find((service) => service.name === name) ?? candidates[0];
}

/**
 * If the extension does not accept the tasks, the next pass sends them again. Until then, a task belongs to its first
 * reporter.
 */
async function introduce(
  tasks: readonly OwnedTask[],
  { cluster: { name, settings } }: ClusterState,
  { networks }: Snapshot,
  { renderer, logger }: ClusterOptions,
  signal: AbortSignal,
): Promise<void> {
  const control = networks.find((network) => network.name === controlNetwork)?.id ?? '';
  const known = tasks.map(({ id, addresses }) => ({ task: id, addresses: addresses[control] ?? [] }));
  await renderer.introduce(settings.ServiceName, name, known, signal).catch((error) => {
    logger.debug({ cluster: name, err: error }, 'Failed to send tasks to the extension');
  });
}

/** The extension's response is not trusted, even if nginx accepts it. */
async function renderChecked(
  input: RenderInput,
  permissions: Permissions,
  service: string,
  { renderer, textChecks }: ClusterOptions,
  signal: AbortSignal,
  boot: string | undefined,
): Promise<Rendering> {
  const rendering = await renderer.render(service, input, signal, boot);
  const fault = textChecks.faultOf(input.cluster, permissions, rendering.files);
  if (fault === undefined) return rendering;
  renderer.forget(service);
  throw new TextRefusedError(fault);
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

function refusalProblem(cluster: string, error: unknown): Problem | undefined {
  if (error instanceof SettingsRefusedError) return settingsRefused(cluster, error.message);
  return error instanceof TextRefusedError ? textRefused(cluster, error.message) : undefined;
}

function textRefused(cluster: string, fault: string): Problem {
  return {
    severity: 'error',
    cluster,
    reason: `The extension returned a configuration that is not allowed: ${fault}`,
    remedy:
      'The proxies keep serving the last good configuration. Put custom directives in the settings or in the config that Template names. Otherwise check the extension image: it may be compromised.',
  };
}

function settingsRefused(cluster: string, message: string): Problem {
  return {
    severity: 'error',
    cluster,
    label: `Extensions.${cluster}.Config`,
    reason: `The configuration is rejected: ${message}`,
    remedy: 'Correct the raw options or the template. The proxies keep serving the last good configuration.',
  };
}
