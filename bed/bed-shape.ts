import { shapeLabel } from './places.ts';
import { StepFailed } from './step.ts';

/** The first manager creates the swarm. The others join it as `manager2`, `manager3` and so on. */
export type NodeName = 'manager' | `manager${number}` | `worker${number}`;

export interface BedShape {
  readonly managers: number;
  readonly workers: number;
}

export const usualShape: BedShape = { managers: 1, workers: 2 };

/** An even number of managers tolerates no more failures than one manager fewer. */
const managerCounts = [1, 3, 5];
const maxWorkers = 9;

const managerNames = ({ managers }: BedShape): NodeName[] =>
  Array.from({ length: managers }, (_, index): NodeName => (index === 0 ? 'manager' : `manager${index + 1}`));
const workerNames = ({ workers }: BedShape): NodeName[] =>
  Array.from({ length: workers }, (_, index): NodeName => `worker${index + 1}`);

/** Nodes of a bed, managers first. */
export const namesOf = (shape: BedShape): readonly NodeName[] => [...managerNames(shape), ...workerNames(shape)];

/** Nodes of the bed that most swarm tests use. */
export const nodeNames = namesOf(usualShape);

export const roleOf = (name: NodeName): 'manager' | 'worker' => (name.startsWith('manager') ? 'manager' : 'worker');

/** Loopback ports for manual use: 8080 is worker1 and 9443 is the first manager in every shape. */
export function fixedPorts(shape: BedShape, name: NodeName): readonly (readonly [number, number])[] {
  const managers = managerNames(shape);
  const workers = workerNames(shape);
  const place = [...workers.slice(0, 2), ...managers, ...workers.slice(2)].indexOf(name);
  const published = [[8080, 8080 + place] as const, [8443, 8443 + place] as const];
  return roleOf(name) === 'manager' ? [...published, [9443, 9443 + managers.indexOf(name)]] : published;
}

/** Label of a node, such as `3+2`. */
export const describeShape = ({ managers, workers }: BedShape): string => `${managers}+${workers}`;

/** Nodes without the label date from when all beds had the default shape. */
export function shapeOf(labels: Readonly<Record<string, string>>): BedShape {
  const [managers, workers] = (labels[shapeLabel] ?? describeShape(usualShape)).split('+').map(Number);
  return { managers: managers!, workers: workers! };
}

/** `--managers 3 --workers 2`. Missing options use the default shape. */
export function parseShape(options: { readonly managers?: string; readonly workers?: string }): BedShape {
  const managers = Number(options.managers ?? usualShape.managers);
  const workers = Number(options.workers ?? usualShape.workers);
  if (!managerCounts.includes(managers))
    throw new StepFailed(`--managers ${options.managers} is not 1, 3 or 5.`, 'npm run up -- --managers 3');
  if (!Number.isInteger(workers) || workers < 1 || workers > maxWorkers)
    throw new StepFailed(
      `--workers ${options.workers} is not between 1 and ${maxWorkers}.`,
      'npm run up -- --workers 2',
    );
  return { managers, workers };
}
