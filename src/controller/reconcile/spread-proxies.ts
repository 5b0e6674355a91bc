import { z } from 'zod';
import { eligibleNodes } from '../../model/constraints.ts';
import { spreadLabel } from '../../model/names.ts';
import type { Problem } from '../../model/problem.ts';
import type { OwnedService, OwnedTask, SwarmNode } from '../../model/snapshot.ts';
import { type Unevenness, unevenSpread } from '../../model/spread.ts';
import type { CurrentProxy } from './change-in-place.ts';
import type { ClusterOptions } from './cluster-options.ts';

/** Attempts for the same replicas on the same nodes. */
const MAX_TRIES = 5;
/** If an additional replica is not up after this time, it is late. */
const START_PATIENCE_MS = 60_000;

/** Stored on the service, so that another controller can continue. */
const Note = z.object({
  /** The number of replicas to return to. Absent unless an additional one is starting. */
  replicas: z.int().optional(),
  /** When the additional one was started, in milliseconds since the epoch. */
  startedAt: z.number().optional(),
  /** Attempts so far, with these replicas on these nodes. */
  tries: z.int().default(0),
  tasks: z.array(z.string()).default([]),
  nodes: z.array(z.string()).default([]),
});
type Note = z.infer<typeof Note>;

interface Spreading {
  /** Check again soon. */
  readonly isPending: boolean;
  readonly problems: readonly Problem[];
}

interface Seen {
  readonly service: OwnedService;
  readonly note: Note;
  /** Desired tasks, running or not. */
  readonly tasks: readonly OwnedTask[];
  readonly running: readonly OwnedTask[];
  readonly nodes: readonly SwarmNode[];
  readonly uneven: Unevenness | undefined;
}

const NOTHING: Spreading = { isPending: false, problems: [] };

/**
 * Spreads the replicas of a proxy over the nodes again, one at a time. Swarm never moves a task, and a roll-out may leave all replicas on one node,
 * because old and new tasks both count while they run concurrently. `ForceUpdate` would replace all replicas and could end the same way. Instead, one
 * additional replica is started, which Swarm places on the node with the fewest. When it is up, the service is scaled back, and Swarm removes a
 * replica from the node with the most.
 */
export async function spreadProxies(
  proxy: CurrentProxy,
  nodes: readonly SwarmNode[],
  isRolling: boolean,
  options: ClusterOptions,
  signal: AbortSignal,
): Promise<Spreading> {
  const seen = see(proxy, nodes);
  const { service, uneven, note } = seen;
  const now = options.now();
  options.spreadBook.note(service.cluster, seen.nodes, situationOf(seen), now);
  if (isBeingReplaced(service)) return NOTHING;
  if (note.replicas !== undefined) return finishMove(seen, note.replicas, options, signal);
  if (service.isOnHosts || service.replicas === undefined || uneven === undefined) return NOTHING;
  const tries = triesOf(seen);
  const problems = [unevenProblem(service, uneven, seen.running.length, tries)];
  const isReady = !isRolling && service.rollout.kind === 'settled' && isComplete(seen);
  if (!isReady || tries >= MAX_TRIES) return { isPending: false, problems };
  if (!options.spreadBook.isHeld(service.cluster, tries, now)) await startMove(seen, tries + 1, options, signal);
  return { isPending: true, problems };
}

function see({ service, tasks: all }: CurrentProxy, nodes: readonly SwarmNode[]): Seen {
  const ready = new Set(nodes.filter((node) => node.ready).map(({ id }) => id));
  const tasks = all.filter(({ desiredState }) => desiredState === 'running' || desiredState === 'ready');
  const running = tasks.filter(({ state, nodeId }) => state === 'running' && ready.has(nodeId ?? ''));
  const eligible = eligibleNodes(nodes, service.placement);
  const uneven = unevenSpread(running, eligible, service.placement.spreadOver);
  return { service, note: readNote(service), tasks, running, nodes: eligible, uneven };
}

/** Old and new tasks are running concurrently. */
function isBeingReplaced({ rollout }: OwnedService): boolean {
  return rollout.kind === 'updating' || rollout.kind === 'rolling-back';
}

/** All replicas are running and were started for the current specification: Swarm reports a roll-out only a moment after it has begun. */
function isComplete({ service, tasks, running }: Seen): boolean {
  const isUp = running.length === service.replicas && tasks.length === running.length;
  return isUp && running.every(({ configIds }) => sameIds(configIds, service.configIds));
}

async function startMove(
  { service, nodes, tasks }: Seen,
  tries: number,
  { swarm, logger, now }: ClusterOptions,
  signal: AbortSignal,
): Promise<void> {
  const replicas = service.replicas!;
  const note = { replicas, startedAt: now(), tries, tasks: idsOf(tasks), nodes: idsOf(nodes) };
  await swarm.scaleService(service, replicas + 1, toLabel(note), signal);
  logger.info({ service: service.name, cluster: service.cluster, tries }, 'Started a replica to spread proxies');
}

async function finishMove(
  seen: Seen,
  replicas: number,
  { swarm, logger, now }: ClusterOptions,
  signal: AbortSignal,
): Promise<Spreading> {
  const { service, note, tasks, running, nodes, uneven } = seen;
  const remembered = { tries: note.tries, tasks: idsOf(tasks), nodes: idsOf(nodes) };
  if (service.replicas !== replicas + 1) {
    // The service was scaled manually: that number is kept.
    await swarm.labelService(service, toLabel(remembered), signal);
    return { isPending: true, problems: [] };
  }
  const isLate = now() - (note.startedAt ?? 0) > START_PATIENCE_MS;
  const late = isLate ? tasks.find((task) => !running.includes(task)) : undefined;
  // Swarm first removes a task without a node, and otherwise one from the node with the most. While the additional replica fails to start, it is
  // kept, because scaling back would stop a serving one.
  if (running.length > replicas || (late && late.nodeId === undefined)) {
    await swarm.scaleService(service, replicas, toLabel(remembered), signal);
    logger.info({ service: service.name, cluster: service.cluster }, 'Removed surplus replica');
    return { isPending: true, problems: [] };
  }
  return {
    isPending: late === undefined,
    problems: [
      ...(uneven ? [unevenProblem(service, uneven, running.length, 0)] : []),
      ...(late ? [lateProblem(service, late, nodes)] : []),
    ],
  };
}

/** Attempts count as long as nothing else changes nodes or tasks. The last attempt removed one of the stored tasks. */
function triesOf({ note, running, nodes }: Seen): number {
  const isSame = running.every(({ id }) => note.tasks.includes(id)) && sameIds(idsOf(nodes), note.nodes);
  return isSame ? note.tries : 0;
}

/** The end of an attempt starts the wait for the next one. */
function situationOf({ running, nodes, note }: Seen): string {
  return JSON.stringify([idsOf(running).toSorted(), idsOf(nodes).toSorted(), note.replicas, note.tries]);
}

function idsOf(items: readonly { readonly id: string }[]): string[] {
  return items.map(({ id }) => id);
}

function sameIds(a: readonly string[], b: readonly string[]): boolean {
  return a.toSorted().join() === b.toSorted().join();
}

function readNote({ labels }: OwnedService): Note {
  try {
    return Note.parse(JSON.parse(labels[spreadLabel] ?? '{}'));
  } catch {
    // The label was edited manually.
    return Note.parse({});
  }
}

function toLabel(note: Note): Record<string, string> {
  return { [spreadLabel]: JSON.stringify(note) };
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
    severity: 'warning',
    cluster,
    reason: `Replicas of ${name} are unevenly spread: ${inWords(most)}, ${inWords(least)}${loss}`,
    remedy:
      tries < MAX_TRIES
        ? 'They are spread automatically, one at a time and without losing requests, once all replicas run and the nodes are stable.'
        : `Swarm placed them this way ${tries} times. Use docker service ps ${name} and docker node inspect to find out why the other nodes get none: resources, reservations, plugins. Spreading is retried when nodes or replicas change.`,
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
    severity: 'warning',
    cluster,
    reason: `The replica of ${name} started for spreading is not running on node ${node}${error}`,
    remedy: `The other replicas keep serving. Check docker service ps ${name}, or drain the node.`,
  };
}
