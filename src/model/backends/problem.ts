import type { Problem } from '../problem.ts';
import type { ProblemText } from '../problem-kind.ts';
import { asGiven, problemKind } from '../problem-kind.ts';
import { failing, type PortFaults } from './connections.ts';
import type { TaskHealth } from './health.ts';
import type { TaskFailure } from './task.ts';

export const tasksFail = problemKind({
  id: 'tasks-fail',
  severity: ['error', 'warning'],
  meaning: `Tasks of a service do not run: its image is missing, no node fits, the application ends, or its health check fails. An error if none runs: its routes answer 503.`,
  ...asGiven,
  example: [
    '0 of 2 tasks of shop_web run: the application ends with exit code 1, 3 times or more',
    'Read why it ends: docker service logs shop_web',
  ],
});

export const connectionsRefused = problemKind({
  id: 'connections-refused',
  severity: ['error', 'warning'],
  meaning: `Tasks run, but refuse connections of the proxies: the application listens on another port or address. An error if no task accepts them: clients get 502.`,
  ...asGiven,
  example: [
    'Nothing listens on port 8080 of shop_web: 2 of 2 tasks refuse connections. Does the application listen on 127.0.0.1, or on another port?',
    'Let the application listen on 0.0.0.0:8080, or set com.docker.lb.port to the port on which it listens.',
  ],
});

export const connectionsFail = problemKind({
  id: 'connections-fail',
  severity: ['error', 'warning'],
  meaning: `The proxies get no answer from tasks: the application is overloaded, or packets between the nodes are lost. An error if no task answers.`,
  ...asGiven,
  example: [
    'The proxies cannot connect to port 8080 of shop_web: no answer within 2 s from 1 of 2 tasks',
    'Check whether the application is overloaded or a firewall drops its connections, and whether the nodes reach each other on ports 7946 and 4789.',
  ],
});

/** The state of a service's tasks and of connections to them. */
export interface BackendFacts {
  readonly service: string;
  /** The only cluster that routes to it; undefined if there are several. */
  readonly cluster: string | undefined;
  readonly health: Pick<TaskHealth, 'desired' | 'running' | 'failure'> | undefined;
  readonly faults: PortFaults | undefined;
  /** The proxies connect to its virtual address, which does not tell the tasks apart. */
  readonly isVirtual: boolean;
}

/** The one problem of a service's tasks, in the order of what its owner has to fix first; undefined if there is none. */
export function backendProblem({ service, cluster, health, faults, isVirtual }: BackendFacts): Problem | undefined {
  const found = health?.failure
    ? ofTasks(service, { ...health, failure: health.failure })
    : faults && ofConnections(service, faults, isVirtual);
  return found && { service, ...(cluster === undefined ? {} : { cluster }), ...found };
}

type Found = ProblemText;

function ofTasks(
  service: string,
  { desired, running, failure }: { readonly desired: number; readonly running: number; readonly failure: TaskFailure },
): Found {
  const severity = running === 0 && failure.kind !== 'not-healthy-yet' ? 'error' : 'warning';
  const what =
    running === desired
      ? `The update of ${service} fails`
      : `${running} of ${tasks(desired)} of ${service} ${desired === 1 ? 'runs' : 'run'}`;
  const reason = `${what}: ${describeFailure(failure)}`;
  return { ...tasksFail(reason, remedyOf(service, failure)), severity };
}

/** Completes the sentence "0 of 2 tasks of shop_web run: …". */
export function describeFailure(failure: TaskFailure): string {
  switch (failure.kind) {
    case 'image-missing':
      return `the image is missing (${failure.message})`;
    case 'no-node':
    case 'not-started':
      return failure.message;
    case 'ended':
      return `the application ends with exit code ${failure.exitCode}${times(failure.times)}`;
    case 'out-of-memory':
      return `the application is killed (exit code 137), probably for memory: ${memory(failure.limitBytes)}${times(failure.times)}`;
    case 'unhealthy':
      return failure.exitCode === undefined
        ? `the health check fails${times(failure.times)}`
        : `the application ends with exit code ${failure.exitCode}, probably because its health check fails${times(failure.times)}`;
    case 'not-healthy-yet':
      return 'the health check has not succeeded yet';
  }
}

function remedyOf(service: string, { kind }: TaskFailure): string {
  switch (kind) {
    case 'image-missing':
      return 'Check the name and the tag of the image, push it, or give the nodes access to its registry: docker service update --with-registry-auth.';
    case 'no-node':
      return 'Reduce the resource reservations or the placement constraints of the service, or add nodes.';
    case 'not-started':
      return `Fix the cause, which docker service ps --no-trunc ${service} shows.`;
    case 'ended':
      return `Read why it ends: docker service logs ${service}`;
    case 'out-of-memory':
      return 'Raise deploy.resources.limits.memory, or let the application use less.';
    case 'unhealthy':
    case 'not-healthy-yet':
      return `Check the health check and the log: docker service logs ${service}. An application that starts slowly requires a longer start_period.`;
  }
}

/** Without exact counts: each would be another problem in the log. */
function times(count: number): string {
  if (count <= 1) return '';
  return count === 2 ? ', 2 times' : ', 3 times or more';
}

function memory(limitBytes: number): string {
  return limitBytes === 0
    ? 'it has no limit, so the node is full'
    : `its limit is ${Math.round(limitBytes / 2 ** 20)} MiB`;
}

function ofConnections(service: string, faults: PortFaults, isVirtual: boolean): Found {
  const { port, refused, timedOut, unreachable } = faults;
  const count = failing(faults);
  const isAll = count >= faults.tasks;
  const severity = isAll ? 'error' : 'warning';
  const who = isVirtual ? 'its virtual address' : `${count} of ${tasks(faults.tasks)}`;
  const isOne = isVirtual || faults.tasks === 1;
  if (refused >= timedOut && refused >= unreachable)
    return {
      ...connectionsRefused(
        `${isAll ? `Nothing listens on port ${port} of ${service}` : `Not all tasks of ${service} listen on port ${port}`}: ${who} ${isOne ? 'refuses' : 'refuse'} connections. Does the application listen on 127.0.0.1, or on another port?`,
        `Let the application listen on 0.0.0.0:${port}, or set com.docker.lb.port to the port on which it listens.`,
      ),
      severity,
    };
  const what = timedOut >= unreachable ? 'no answer within 2 s' : 'no route to the host';
  return {
    ...connectionsFail(
      `The proxies cannot connect to port ${port} of ${service}: ${what} from ${who}`,
      'Check whether the application is overloaded or a firewall drops its connections, and whether the nodes reach each other on ports 7946 and 4789.',
    ),
    severity,
  };
}

function tasks(count: number): string {
  return `${count} ${count === 1 ? 'task' : 'tasks'}`;
}
