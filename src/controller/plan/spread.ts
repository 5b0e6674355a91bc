import { backoffMs } from '../../lib/backoff.ts';
import { spreadLabels } from '../../model/own-services/proxy-spread.ts';
import type { Unevenness } from '../../model/own-services/spread.ts';
import type { Problem } from '../../model/problem.ts';
import { asGiven, problemKind } from '../../model/problem-kind.ts';
import type { OwnedService, OwnedTask, SwarmNode } from '../../model/snapshot.ts';
import type { RecordSpread, ScaleService } from './actions.ts';
import type { CurrentProxy, Steadiness } from './observed.ts';

export const unevenSpread = problemKind({
  id: 'replicas-uneven',
  severity: 'warning',
  meaning: `Replicas of the proxies are on fewer nodes than possible. See [placement.md](placement.md).`,
  ...asGiven,
  example: [
    'Replicas of signalbox-proxy are unevenly spread: 2 on n1, none on n2',
    'They are spread automatically, one at a time and without losing requests, once all replicas run and the nodes are stable.',
  ],
});

export const spreadLate = problemKind({
  id: 'spread-late',
  severity: 'warning',
  meaning: `A replica that was started on another node, to spread them, does not run.`,
  ...asGiven,
  example: [
    'The replica of signalbox-proxy started for spreading is not running on node n2',
    'The other replicas keep serving. Check docker service ps signalbox-proxy, or drain the node.',
  ],
});

/** Attempts for the same replicas on the same nodes. */
const MAX_TRIES = 5;
/** If an additional replica is not up after this time, it is late. */
const START_PATIENCE_MS = 60_000;
/** Replicas and nodes must be unchanged for this time before a replica is moved. */
const HOLD_MS = 5000;
const LONGEST_HOLD_MS = 300_000;

export interface SpreadPlan {
  readonly actions: readonly (ScaleService | RecordSpread)[];
  /** Check again soon. */
  readonly isPending: boolean;
  readonly problems: readonly Problem[];
}

const NOTHING: SpreadPlan = { actions: [], isPending: false, problems: [] };

/**
 * Spreads the replicas of a proxy over the nodes again, one at a time. Swarm never moves a task, and a roll-out may leave all replicas on one node,
 * because old and new tasks both count while they run concurrently. `ForceUpdate` would replace all replicas and could end the same way. Instead, one
 * additional replica is started, which Swarm places on the node with the fewest. When it is up, the service is scaled back, and Swarm removes a
 * replica from the node with the most.
 */
export function planSpread(proxy: CurrentProxy, isRolling: boolean, now: number): SpreadPlan {
  const { service, spread, steadiness } = proxy;
  const { note, uneven, running } = spread;
  if (isBeingReplaced(service)) return NOTHING;
  if (note.replicas !== undefined) return finishMove(proxy, note.replicas, now);
  if (service.isOnHosts || service.replicas === undefined || uneven === undefined) return NOTHING;
  const tries = triesOf(proxy);
  const problems = [unevenProblem(service, uneven, running.length, tries)];
  const isReady = !isRolling && service.rollout.kind === 'settled' && isComplete(proxy);
  if (!isReady || tries >= MAX_TRIES) return { actions: [], isPending: false, problems };
  const actions = isHeld(steadiness, tries, now) ? [] : [startMove(proxy, service.replicas, tries + 1, now)];
  return { actions, isPending: true, problems };
}

/** Old and new tasks are running concurrently. */
function isBeingReplaced({ rollout }: OwnedService): boolean {
  return rollout.kind === 'updating' || rollout.kind === 'rolling-back';
}

/** The wait doubles with each attempt that did not help and with each return of a node. */
function isHeld({ since, returns }: Steadiness, tries: number, now: number): boolean {
  return now - since < backoffMs(Math.max(tries + 1, returns), HOLD_MS, LONGEST_HOLD_MS);
}

/** All replicas are running and were started for the current specification: Swarm reports a roll-out only a moment after it has begun. */
function isComplete({ service, spread: { tasks, running } }: CurrentProxy): boolean {
  const isUp = running.length === service.replicas && tasks.length === running.length;
  return isUp && running.every(({ configIds }) => sameIds(configIds, service.configIds));
}

function startMove({ service, spread: { nodes, tasks } }: CurrentProxy, replicas: number, tries: number, now: number) {
  const note = { replicas, startedAt: now, tries, tasks: idsOf(tasks), nodes: idsOf(nodes) };
  return scale(service, replicas + 1, spreadLabels(note), tries);
}

function finishMove({ service, spread }: CurrentProxy, replicas: number, now: number): SpreadPlan {
  const { note, tasks, running, nodes, uneven } = spread;
  const labels = spreadLabels({ tries: note.tries, tasks: idsOf(tasks), nodes: idsOf(nodes) });
  // The service was scaled manually: that number is kept.
  if (service.replicas !== replicas + 1)
    return { actions: [{ kind: 'record-spread', service, labels }], isPending: true, problems: [] };
  const isLate = now - (note.startedAt ?? 0) > START_PATIENCE_MS;
  const late = isLate ? tasks.find((task) => !running.includes(task)) : undefined;
  // Swarm first removes a task without a node, and otherwise one from the node with the most. While the additional replica fails to start, it is
  // kept, because scaling back would stop a serving one.
  if (running.length > replicas || (late && late.nodeId === undefined))
    return { actions: [scale(service, replicas, labels, note.tries)], isPending: true, problems: [] };
  return {
    actions: [],
    isPending: late === undefined,
    problems: [
      ...(uneven ? [unevenProblem(service, uneven, running.length, 0)] : []),
      ...(late ? [lateProblem(service, late, nodes)] : []),
    ],
  };
}

function scale(
  service: OwnedService,
  replicas: number,
  labels: Readonly<Record<string, string>>,
  tries: number,
): ScaleService {
  return { kind: 'scale-service', service, replicas, labels, tries };
}

/** Attempts count as long as nothing else changes nodes or tasks. The last attempt removed one of the stored tasks. */
function triesOf({ spread: { note, running, nodes } }: CurrentProxy): number {
  const isSame = running.every(({ id }) => note.tasks.includes(id)) && sameIds(idsOf(nodes), note.nodes);
  return isSame ? note.tries : 0;
}

function idsOf(items: readonly { readonly id: string }[]): string[] {
  return items.map(({ id }) => id);
}

function sameIds(a: readonly string[], b: readonly string[]): boolean {
  return a.toSorted().join() === b.toSorted().join();
}

function unevenProblem(
  { name, cluster }: OwnedService,
  { most, least }: Unevenness,
  running: number,
  tries: number,
): Problem {
  const [crowded] = most;
  const isAll = crowded?.count === running;
  const loss = isAll ? `. If ${crowded?.name} fails, no proxy remains` : '';
  return {
    ...unevenSpread(
      `Replicas of ${name} are unevenly spread: ${inWords(most)}, ${inWords(least)}${loss}`,
      tries < MAX_TRIES
        ? 'They are spread automatically, one at a time and without losing requests, once all replicas run and the nodes are stable.'
        : `Swarm placed them this way ${tries} times. Use docker service ps ${name} and docker node inspect to find out why the other nodes get none: resources, reservations, plugins. Spreading is retried when nodes or replicas change.`,
    ),
    cluster,
  };
}

const SHOWN = 3;

/** `2 on worker1`, `none on worker2 and 4 more` */
function inWords(places: Unevenness['most']): string {
  const names = places.slice(0, SHOWN).map(({ name }) => name);
  const more = places.length > SHOWN ? [`${places.length - SHOWN} more`] : [];
  return `${places[0]?.count || 'none'} on ${new Intl.ListFormat('en').format([...names, ...more])}`;
}

function lateProblem({ name, cluster }: OwnedService, task: OwnedTask, nodes: readonly SwarmNode[]): Problem {
  const node = nodes.find(({ id }) => id === task.nodeId)?.name ?? task.nodeId;
  const error = task.error === undefined ? '' : `: ${task.error}`;
  return {
    ...spreadLate(
      `The replica of ${name} started for spreading is not running on node ${node}${error}`,
      `The other replicas keep serving. Check docker service ps ${name}, or drain the node.`,
    ),
    cluster,
  };
}
