import { describe, expect, it } from 'vitest';
import type { BackendState } from '../../../src/model/backends/backends.ts';
import { faultsByService, knownPeers, type PeerFault } from '../../../src/model/backends/connections.ts';
import { explainTasks } from '../../../src/model/backends/explain-tasks.ts';
import { backendProblem } from '../../../src/model/backends/problem.ts';
import { type RouteFacts, routeAnswer } from '../../../src/model/backends/route-answer.ts';
import { buildDesiredState } from '../../../src/model/desired-state.ts';
import type { Problem } from '../../../src/model/problem.ts';
import type { HostTls, Location } from '../../../src/model/route-table/table.ts';
import { parseSettings } from '../../../src/model/settings/settings.ts';
import { aNetwork, aService } from '../../support/builders.ts';

const { settings } = parseSettings({}, '1.0.0');
const snapshot = {
  ...{ networks: [aNetwork('app')], nodes: [], hostTasks: [], configs: [], secrets: [], owned: [] },
  services: [aService('web', { mode: { kind: 'replicated', replicas: 2 } })],
};
const [cluster] = buildDesiredState(snapshot, settings).clusters;
const open = cluster!.table.servers[0]!.locations[0]!;
const none: HostTls = { kind: 'none' };
const terminated = {
  kind: 'terminated',
  certificate: 'web.pem',
  key: 'web.pem',
  isStapled: false,
  hsts: '',
  clientCa: '',
} as const;
const facts: RouteFacts = {
  replicas: new Map([['web', 2]]),
  backends: new Map(),
  errors: new Map(),
  unjoined: new Map(),
};
const state = (changes: Partial<BackendState>): BackendState => ({
  running: 2,
  desired: 2,
  faults: undefined,
  problem: undefined,
  ...changes,
});
const withState = (changes: Partial<BackendState>): Partial<RouteFacts> => ({
  backends: new Map([['web', state(changes)]]),
});
const problem = (severity: Problem['severity'], more: Partial<Problem> = {}): Problem => ({
  ...{ id: 'label-invalid', severity, service: 'web', reason: 'is bad', remedy: 'Fix it.' },
  ...more,
});
const withError = (more: Partial<Problem>): Partial<RouteFacts> => ({
  errors: new Map([['web', [problem('error', more)]]]),
});
const shut: Partial<Location> = { upstream: undefined };
const label = 'com.docker.lb.port';

describe('a route', () => {
  it.each<[string, Partial<Location>, HostTls, Partial<RouteFacts>, string]>([
    ['with tasks that are not counted yet', {}, none, {}, 'service: service'],
    ['with tasks', {}, none, withState({}), 'service: 2 of 2 tasks'],
    ['with a certificate', {}, terminated, withState({}), 'service: 2 of 2 tasks, certificate web.pem'],
    ['with too few tasks and no known reason', {}, none, withState({ running: 1 }), 'service: 1 of 2 tasks'],
    [
      'whose tasks start',
      {},
      none,
      withState({ running: 0 }),
      'no-task-runs: 0 of 2 tasks run: they are being started',
    ],
    ['whose tasks fail', {}, none, withState({ running: 0, problem: problem('error') }), 'no-task-runs: is bad (web)'],
    [
      'some of whose tasks fail',
      {},
      none,
      withState({ running: 1, problem: problem('warning') }),
      'some-tasks: is bad (web)',
    ],
    [
      'to whose running tasks nobody connects',
      {},
      none,
      withState({ problem: problem('error') }),
      'no-task-runs: is bad (web)',
    ],
    [
      'without desired tasks',
      shut,
      none,
      { replicas: new Map([['web', 0]]) },
      'no-tasks-desired: no tasks desired: the service has 0 replicas',
    ],
    ['closed by a label', shut, none, withError({ label, value: 'x' }), `closed: closed by ${label} "x": is bad (web)`],
    [
      'closed by a problem that lists it',
      shut,
      none,
      withError({ label, affects: [{ label, routes: ['web.example.org/'] }] }),
      `closed: closed by ${label}: is bad (web)`,
    ],
    [
      'closed, with a problem of another route',
      shut,
      none,
      withError({ affects: [{ label, routes: ['other.example.org/'] }] }),
      'closed: closed: no task can be reached',
    ],
    ['under maintenance', { ...shut, maintenance: { allow: [] } }, none, {}, 'maintenance: under maintenance'],
    [
      'under maintenance except for some',
      { maintenance: { allow: ['10.0.0.1'] } },
      none,
      {},
      'maintenance: under maintenance, except for 10.0.0.1',
    ],
    [
      'that waits for its certificate',
      { ...shut, isPending: true },
      none,
      {},
      'certificate: waits for its certificate from the ACME server',
    ],
    [
      'with an invalid certificate',
      {},
      { kind: 'closed' },
      { ...withState({}), ...withError({}) },
      'certificate: closed over HTTPS: the certificate is missing or invalid; 2 of 2 tasks over HTTP (web)',
    ],
    [
      'for TLS only',
      { options: { ...open.options, sslOnly: true } },
      terminated,
      withState({}),
      'tls-only: 2 of 2 tasks over TLS only: HTTP is redirected',
    ],
    [
      'whose service ends TLS',
      { ...shut, isHandedOn: true },
      { kind: 'passthrough', upstream: 'u', proxyProtocol: false },
      withState({}),
      'tls-only: 2 of 2 tasks over TLS only, which the service ends itself',
    ],
    [
      'on a new network',
      {},
      none,
      { unjoined: new Map([[open.upstream!, 'new']]) },
      'roll-out: waits for a roll-out: first service on network new, so the proxies are replaced, about 10 s',
    ],
  ])('%s', (_, location, tls, more, expected) => {
    const { kind, text, problemOf } = routeAnswer('web.example.org', { ...open, ...location }, tls, {
      ...facts,
      ...more,
    });

    expect(`${kind}: ${text}${problemOf === undefined ? '' : ` (${problemOf})`}`).toBe(expected);
  });
});

describe('the explanation of a URL', () => {
  const answer = {
    kind: 'service',
    route: { host: 'a', path: '/', services: ['web', 'shop'] },
    requestUri: '/',
  } as const;
  it.each([
    [
      'counts tasks',
      { web: {}, shop: { running: 1, desired: 1 } },
      'all',
      ['2 of 2 tasks of web run.', '1 of 1 task of shop runs.'],
    ],
    [
      'names the problem of one of two services',
      { web: { problem: problem('error') }, shop: {} },
      'some',
      ['is bad. Fix it.', '2 of 2 tasks of shop run.'],
    ],
    [
      'says that no task answers',
      { web: { running: 0 }, shop: { problem: problem('error') } },
      'none',
      ['0 of 2 tasks of web run.', 'is bad. Fix it.'],
    ],
  ] as const)('%s', (_, states, tasks, because) => {
    const backends = new Map(Object.entries(states).map(([service, changes]) => [service, state(changes)]));

    expect(explainTasks(answer, backends)).toEqual({ tasks, because });
  });

  it('says nothing about tasks that are unknown, or get no request', () => {
    expect(explainTasks(answer, new Map())).toBeUndefined();
    expect(explainTasks({ kind: 'no-host' }, new Map([['web', state({})]]))).toBeUndefined();
  });
});

describe('failing connections', () => {
  const peer = (address: string, port: number, resolve = true) => ({ address, port, resolve });
  const route = (id: string, ...peers: ReturnType<typeof peer>[]) => ({
    service: { id, name: id, createdAt: '' },
    backend: { kind: 'peers' as const, peers },
  });
  const fault = (address: string, port: number, counts: Partial<PeerFault>): PeerFault => ({
    ...{ address, port, tasks: 2, refused: 0, timedOut: 0, unreachable: 0 },
    ...counts,
  });
  const reasonOf = (faults: readonly PeerFault[], ...routes: ReturnType<typeof route>[]) => {
    const found = faultsByService([{ peers: faults, hasMore: false }], knownPeers(routes)).get('web');
    const problem =
      found &&
      backendProblem({ service: 'web', cluster: undefined, health: undefined, faults: found, isVirtual: false });
    return problem && `${problem.severity}: ${problem.reason}`;
  };
  const named = route('web', peer('tasks.web.app', 80));

  it.each<[string, string | undefined, readonly PeerFault[], readonly ReturnType<typeof route>[]]>([
    [
      'of all tasks',
      'error: Nothing listens on port 80 of web: 2 of 2 tasks refuse connections. Does the application listen on 127.0.0.1, or on another port?',
      [fault('tasks.web.app', 80, { refused: 2 })],
      [named],
    ],
    [
      'of one task',
      'warning: Not all tasks of web listen on port 80: 1 of 2 tasks refuse connections. Does the application listen on 127.0.0.1, or on another port?',
      [fault('tasks.web.app', 80, { refused: 1 })],
      [named],
    ],
    [
      'that time out',
      'error: The proxies cannot connect to port 80 of web: no answer within 2 s from 2 of 2 tasks',
      [fault('tasks.web.app', 80, { timedOut: 2 })],
      [named],
    ],
    [
      'without a route',
      'error: The proxies cannot connect to port 80 of web: no route to the host from 2 of 2 tasks',
      [fault('tasks.web.app', 80, { unreachable: 2 })],
      [named],
    ],
    [
      'as the proxy sees them that sees the most',
      'error: Nothing listens on port 80 of web: 2 of 2 tasks refuse connections. Does the application listen on 127.0.0.1, or on another port?',
      [fault('tasks.web.app', 80, { refused: 1 }), fault('tasks.web.app', 80, { refused: 2 })],
      [named],
    ],
    [
      'of some addresses of tasks',
      'warning: Not all tasks of web listen on port 80: 1 of 3 tasks refuse connections. Does the application listen on 127.0.0.1, or on another port?',
      [fault('10.0.0.1', 80, { tasks: 1, refused: 1 })],
      [route('web', ...['10.0.0.1', '10.0.0.2', '10.0.0.3'].map((address) => peer(address, 80, false)))],
    ],
    [
      'of servers that no route uses',
      undefined,
      [fault('tasks.web.app', 22, { refused: 2 }), fault('tasks.web.other', 80, { refused: 2 })],
      [named],
    ],
    [
      'of another service',
      undefined,
      [fault('tasks.shop.app', 80, { refused: 2 })],
      [named, route('shop', peer('tasks.shop.app', 80))],
    ],
  ])('%s', (_, expected, faults, routes) => {
    expect(reasonOf(faults, ...routes)).toBe(expected);
  });

  it('of a virtual address do not count tasks', () => {
    const faults = { ...fault('web.app', 80, { tasks: 1, refused: 1 }) };
    const problem = backendProblem({ service: 'web', cluster: 'east', health: undefined, faults, isVirtual: true });

    expect(problem).toMatchObject({
      cluster: 'east',
      reason: expect.stringContaining('its virtual address refuses connections'),
    });
  });
});
