import type { Problem } from '../problem.ts';
import { leadsToTls } from '../route-table/location.ts';
import type { HostTls, Location } from '../route-table/table.ts';
import { type Backends, isDown } from './backends.ts';

/** What a route answers, and why. */
export interface RouteAnswer {
  readonly kind: RouteAnswerKind;
  /** Complete, without the route. */
  readonly text: string;
  /** The service whose problem explains it; absent if no problem does. */
  readonly problemOf?: string | undefined;
}

export const routeAnswerKinds = [
  'service',
  'some-tasks',
  'no-task-runs',
  'no-tasks-desired',
  'tls-only',
  'certificate',
  'closed',
  'maintenance',
  'roll-out',
  'shadowed',
] as const;
export type RouteAnswerKind = (typeof routeAnswerKinds)[number];

/** What the answer of a route depends on, besides the route table. */
export interface RouteFacts {
  /** Desired tasks by name of the service; undefined for a global service. */
  readonly replicas: ReadonlyMap<string, number | undefined>;
  readonly backends: Backends;
  /** Errors by service. */
  readonly errors: ReadonlyMap<string, readonly Problem[]>;
  /** Networks of upstreams that the proxies have not joined yet, by upstream. */
  readonly unjoined: ReadonlyMap<string, string>;
}

/** `host` has its routes' names: `app.example.org`. */
export function routeAnswer(host: string, location: Location, tls: HostTls, facts: RouteFacts): RouteAnswer {
  const { maintenance, upstream, isPending, isHandedOn, services } = location;
  if (maintenance !== undefined) return underMaintenance(maintenance.allow);
  if (upstream === undefined && !isHandedOn) return isPending ? PENDING : closed(host, location, tls, facts);
  const network = facts.unjoined.get(upstream ?? '');
  if (network !== undefined)
    return {
      kind: 'roll-out',
      text: `waits for a roll-out: first service on network ${network}, so the proxies are replaced, about 10 s`,
    };
  if (location.instead !== undefined)
    return { kind: 'service', text: `no tasks: the fallback ${location.instead} answers` };
  return failing(services, facts) ?? served(location, tls, facts);
}

const PENDING: RouteAnswer = { kind: 'certificate', text: 'waits for its certificate from the ACME server' };

function underMaintenance(allow: readonly string[]): RouteAnswer {
  const text = allow.length === 0 ? 'under maintenance' : `under maintenance, except for ${allow.join(', ')}`;
  return { kind: 'maintenance', text };
}

/** No task may answer: nobody wants one, or an error closes the route. */
function closed(
  host: string,
  { path, services }: Location,
  tls: HostTls,
  { replicas, errors }: RouteFacts,
): RouteAnswer {
  const off = services.filter((service) => replicas.get(service) === 0);
  if (off.length === services.length)
    return { kind: 'no-tasks-desired', text: 'no tasks desired: the service has 0 replicas' };
  const all = services.flatMap((service) => (errors.get(service) ?? []).map((problem) => ({ service, problem })));
  const [cause] = all.filter(({ problem }) => concernsRoute(problem, host + (path || '/')));
  if (cause === undefined) return { kind: 'closed', text: 'closed: no task can be reached' };
  const { service, problem } = cause;
  const kind = tls.kind === 'closed' ? 'certificate' : 'closed';
  return { kind, text: `closed by ${sentenceOf(problem)}`, problemOf: service };
}

/** A problem without a list of routes concerns all routes of its service. */
function concernsRoute({ affects }: Problem, route: string): boolean {
  return affects === undefined || affects.some(({ routes }) => routes.length === 0 || routes.includes(route));
}

function sentenceOf({ label, value, reason }: Problem): string {
  const subject = [label, value === undefined ? undefined : JSON.stringify(value)].filter((part) => part !== undefined);
  return subject.length === 0 ? `a problem: ${reason}` : `${subject.join(' ')}: ${reason}`;
}

/** The tasks of at least one of its services do not answer. */
function failing(services: readonly string[], { backends }: RouteFacts): RouteAnswer | undefined {
  const states = services.flatMap((service) => {
    const state = backends.get(service);
    return state === undefined ? [] : [{ service, ...state }];
  });
  const bad = states.find(({ problem }) => problem !== undefined);
  const isDead = states.length === services.length && states.every(isDown);
  if (bad?.problem) {
    const kind = isDead ? 'no-task-runs' : 'some-tasks';
    return { kind, text: bad.problem.reason, problemOf: bad.service };
  }
  if (!isDead) return undefined;
  const { running, desired } = states[0]!;
  return { kind: 'no-task-runs', text: `${running} of ${desired} tasks run: they are being started` };
}

function served(location: Location, tls: HostTls, { errors, backends }: RouteFacts): RouteAnswer {
  const { services, isHandedOn, upstream } = location;
  const tasks = tasksOf(services, backends);
  const closing = services.find((service) => (errors.get(service) ?? []).length > 0);
  if (tls.kind === 'closed')
    return {
      kind: 'certificate',
      text: `closed over HTTPS: the certificate is missing or invalid${upstream === undefined ? '' : `; ${tasks} over HTTP`}`,
      problemOf: closing,
    };
  if (isHandedOn && upstream === undefined)
    return { kind: 'tls-only', text: `${tasks} over TLS only, which the service ends itself` };
  if (tls.kind === 'terminated' && leadsToTls(location))
    return { kind: 'tls-only', text: `${tasks} over TLS only: HTTP is redirected` };
  return { kind: 'service', text: tls.kind === 'terminated' ? `${tasks}, certificate ${tls.certificate}` : tasks };
}

/** `2 of 2 tasks`, or `service` while they are not counted. */
function tasksOf(services: readonly string[], backends: Backends): string {
  const states = services.flatMap((service) => backends.get(service) ?? []);
  if (states.length < services.length) return 'service';
  const running = states.reduce((sum, state) => sum + state.running, 0);
  const desired = states.reduce((sum, state) => sum + state.desired, 0);
  return `${running} of ${desired} ${desired === 1 ? 'task' : 'tasks'}`;
}
