import { isWithin } from '../../lib/subnet.ts';
import type { Placement, Platform, SwarmNode } from '../snapshot.ts';

/** A placement constraint of Swarm, such as `node.role==worker` or `node.labels.zone != a`. */
interface Constraint {
  readonly key: string;
  readonly isEqual: boolean;
  readonly value: string;
}

/** In the order in which Swarm searches for them. */
const operators = ['==', '!='] as const;
const KEY = /^[a-z_][a-z0-9\-_.]+$/i;
const VALUE = /^[a-z0-9:\-_\s.*()?+[\]\\^$|/]+$/i;

/** Nodes on which Swarm may place new tasks. Swarm also checks resources, ports and plugins, which are not known here. */
export function eligibleNodes(nodes: readonly SwarmNode[], { constraints, platforms }: Placement): SwarmNode[] {
  return nodes.filter(
    (node) =>
      node.ready &&
      node.active &&
      constraints.every((constraint) => meetsConstraint(node, constraint)) &&
      meetsPlatforms(node, platforms),
  );
}

/** No node meets an invalid constraint; Swarm rejects services that have one. */
export function meetsConstraint(node: SwarmNode, text: string): boolean {
  const constraint = parseConstraint(text);
  if (constraint === undefined) return false;
  const { key, isEqual, value } = constraint;
  if (key.toLowerCase() === 'node.ip') return meetsAddress(node, constraint);
  const present = attributeOf(node, key);
  return present !== undefined && (present.toLowerCase() === value.toLowerCase()) === isEqual;
}

function parseConstraint(text: string): Constraint | undefined {
  const operator = operators.find((candidate) => text.includes(candidate));
  if (operator === undefined) return undefined;
  const at = text.indexOf(operator);
  const key = text.slice(0, at).trim();
  const value = text.slice(at + operator.length).trim();
  return KEY.test(key) && VALUE.test(value) ? { key, isEqual: operator === '==', value } : undefined;
}

/** Empty if the node has no such attribute, undefined for an unknown key. Case is ignored in keys, but not in names of labels. */
function attributeOf(node: SwarmNode, key: string): string | undefined {
  const label = labelOf(node, key);
  if (label !== undefined) return label;
  switch (key.toLowerCase()) {
    case 'node.id':
      return node.id;
    case 'node.hostname':
      return node.name;
    case 'node.role':
      return node.role;
    case 'node.platform.os':
      return node.platform?.os ?? '';
    case 'node.platform.arch':
      return node.platform?.architecture ?? '';
    default:
      return undefined;
  }
}

/** Value of `node.labels.<name>` or `engine.labels.<name>`; undefined for other keys. */
export function labelOf({ labels = {}, engineLabels = {} }: SwarmNode, key: string): string | undefined {
  const [, source, name] = /^(node|engine)\.labels\.(.+)$/i.exec(key) ?? [];
  if (source === undefined || name === undefined) return undefined;
  return (source.toLowerCase() === 'node' ? labels : engineLabels)[name] ?? '';
}

/** No node meets a constraint with a malformed address. */
function meetsAddress({ address = '' }: SwarmNode, { isEqual, value }: Constraint): boolean {
  return isWithin(address, value) === isEqual;
}

/** As in Swarm, an empty field of the image's platform matches every node. */
function meetsPlatforms({ platform }: SwarmNode, platforms: readonly Platform[]): boolean {
  if (platforms.length === 0) return true;
  if (platform === undefined) return false;
  return platforms.some(
    ({ os, architecture }) =>
      (os === '' || os === platform.os) &&
      (architecture === '' || usualName(architecture) === usualName(platform.architecture)),
  );
}

/** Engines report the kernel's names, images use Go's. */
function usualName(architecture: string): string {
  if (architecture === 'x86_64') return 'amd64';
  return architecture === 'aarch64' ? 'arm64' : architecture;
}
