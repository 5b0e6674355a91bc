import type { OwnedTask, Placement, SwarmNode } from '../snapshot.ts';
import { labelOf } from './constraints.ts';

/** A node, or the nodes with a label such as `node.labels.zone=a`, and its number of replicas. */
interface Place {
  readonly name: string;
  readonly count: number;
}

export interface Unevenness {
  readonly most: readonly Place[];
  readonly least: readonly Place[];
}

/**
 * Finds two places whose numbers of replicas differ by at least two. Placement preferences come before nodes, as in Swarm. Undefined if replicas are
 * spread evenly.
 */
export function unevenSpread(
  tasks: readonly Pick<OwnedTask, 'nodeId'>[],
  nodes: readonly SwarmNode[],
  spreadOver: Placement['spreadOver'],
): Unevenness | undefined {
  const counts = new Map(nodes.map(({ id }) => [id, 0]));
  for (const { nodeId = '' } of tasks) if (counts.has(nodeId)) counts.set(nodeId, counts.get(nodeId)! + 1);
  // Swarm ignores preferences for anything except labels.
  const labels = spreadOver.filter((key) => nodes.some((node) => labelOf(node, key) !== undefined));
  return unevenIn(nodes, labels, ({ id }) => counts.get(id)!);
}

type Count = (node: SwarmNode) => number;

function unevenIn(
  nodes: readonly SwarmNode[],
  [label, ...others]: readonly string[],
  count: Count,
): Unevenness | undefined {
  if (label === undefined) return compare(nodes.map((node) => ({ name: node.name, count: count(node) })));
  // Nodes without the label form a group.
  const groups = [...Map.groupBy(nodes, (node) => labelOf(node, label))];
  const sum = (members: readonly SwarmNode[]) => members.reduce((total, node) => total + count(node), 0);
  const places = groups.map(([value, members]) => ({ name: `${label}=${value}`, count: sum(members) }));
  const inGroups = groups.map(([, members]) => unevenIn(members, others, count));
  return compare(places) ?? inGroups.find((uneven) => uneven !== undefined);
}

function compare(places: readonly Place[]): Unevenness | undefined {
  const counts = places.map(({ count }) => count);
  const [least, most] = [Math.min(...counts), Math.max(...counts)];
  if (most - least < 2) return undefined;
  const having = (count: number) =>
    places.filter((place) => place.count === count).toSorted((a, b) => (a.name < b.name ? -1 : 1));
  return { most: having(most), least: having(least) };
}
