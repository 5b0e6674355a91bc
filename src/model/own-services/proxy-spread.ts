import { z } from 'zod';
import { spreadLabel } from '../names.ts';
import type { OwnedService, OwnedTask, SwarmNode } from '../snapshot.ts';
import { eligibleNodes } from './constraints.ts';
import { type Unevenness, unevenSpread } from './spread.ts';

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
export type SpreadNote = z.infer<typeof Note>;

/** Where the replicas of a proxy service are. */
export interface ProxySpread {
  readonly note: SpreadNote;
  /** Desired tasks, running or not. */
  readonly tasks: readonly OwnedTask[];
  readonly running: readonly OwnedTask[];
  /** Nodes that may run them. */
  readonly nodes: readonly SwarmNode[];
  readonly uneven: Unevenness | undefined;
}

export function proxySpread(
  service: OwnedService,
  all: readonly OwnedTask[],
  nodes: readonly SwarmNode[],
): ProxySpread {
  const ready = new Set(nodes.filter((node) => node.ready).map(({ id }) => id));
  const tasks = all.filter(({ desiredState }) => desiredState === 'running' || desiredState === 'ready');
  const running = tasks.filter(({ state, nodeId }) => state === 'running' && ready.has(nodeId ?? ''));
  const eligible = eligibleNodes(nodes, service.placement);
  const uneven = unevenSpread(running, eligible, service.placement.spreadOver);
  return { note: readNote(service), tasks, running, nodes: eligible, uneven };
}

/** Changes with nodes, replicas and attempts. The end of an attempt starts the wait for the next one. */
export function spreadSituation({ running, nodes, note }: ProxySpread): string {
  return JSON.stringify([idsOf(running).toSorted(), idsOf(nodes).toSorted(), note.replicas, note.tries]);
}

export function spreadLabels(note: SpreadNote): Record<string, string> {
  return { [spreadLabel]: JSON.stringify(note) };
}

function readNote({ labels }: OwnedService): SpreadNote {
  try {
    return Note.parse(JSON.parse(labels[spreadLabel] ?? '{}'));
  } catch {
    // The label was edited manually.
    return Note.parse({});
  }
}

function idsOf(items: readonly { readonly id: string }[]): string[] {
  return items.map(({ id }) => id);
}
