// Requests, from the lines of nginx's log through agent and extension to the controller's API.
import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import type { TrafficView } from '../../src/controller/admin/traffic.ts';
import { followTraffic } from '../../src/controller/traffic/follow-traffic.ts';
import { Offers } from '../../src/extension/offers.ts';
import { createLinkServer } from '../../src/extension/server.ts';
import type { TrafficReport } from '../../src/model/traffic.ts';
import { type Authority, createAuthority, issueIdentity } from '../../src/protocol/certificates.ts';
import { controllerName, extensionName, proxyName } from '../../src/protocol/names.ts';
import { createAgentClient } from '../../src/proxy/agent-client.ts';
import { RequestCounts } from '../../src/proxy/metrics/request-counts.ts';
import { TrafficReporter } from '../../src/proxy/report-traffic.ts';
import { AdminWorld } from '../support/admin-world.ts';
import { aService } from '../support/builders.ts';
import { ControllerWorld } from '../support/controller-world.ts';
import { eventually } from '../support/eventually.ts';
import { logLine } from '../support/log-line.ts';
import { anError } from '../support/reported-traffic.ts';

const cluster = 'default';
const host = '127.0.0.1';
let authority: Authority;
let admin: AdminWorld;
let stop: AbortController;
let port: number;
let close: () => void;

beforeAll(async () => {
  authority = await createAuthority(Date.now());
});

beforeEach(async () => {
  stop = new AbortController();
  const world = new ControllerWorld({ agents: true });
  world.swarm.deploy(aService('shop', { host: 'shop.example.org' }));
  world.swarm.deploy(aService('api', { host: 'shop.example.org', lb: { context_root: '/api' } }));
  world.swarm.deploy(aService('blog', { host: 'blog.example.org' }));
  await world.settle();
  admin = await AdminWorld.open({ world });
  const server = createLinkServer({
    cluster,
    identity: await issueIdentity(authority, extensionName(cluster), Date.now()),
    prove: async () => ({}),
    templates: { version: '', changed: () => new Promise(() => {}) },
    offers: new Offers(Date.now),
    logger: pino({ level: 'silent' }),
  });
  server.listen(0, host);
  await once(server, 'listening');
  port = (server.address() as AddressInfo).port;
  close = () => {
    server.close();
    server.closeAllConnections();
  };
});

afterEach(async () => {
  stop.abort();
  close();
  await admin[Symbol.asyncDispose]();
});

/** A proxy that has logged these lines. */
async function aProxy(task: string, lines: readonly string[], report: Partial<TrafficReport> = {}) {
  const identity = await issueIdentity(authority, proxyName(cluster), Date.now());
  const receiver = createAgentClient({ identity, cluster, service: host, port });
  const counts = new RequestCounts();
  counts.take(lines.map((line) => `${line}\n`).join(''));
  const connections = { reading: 1, writing: 2, waiting: 3 };
  const take = async () => ({ rows: counts.takeRows(), errors: [], connections, lost: 0, ...report });
  return { counts, reporter: new TrafficReporter({ task, receiver, take }) };
}

async function follow(): Promise<void> {
  const identity = await issueIdentity(authority, controllerName, Date.now());
  void followTraffic(
    { identity: () => identity, recorder: admin.traffic, port },
    { service: host, cluster },
    stop.signal,
  );
}

async function view(query = '', headers?: Record<string, string>): Promise<TrafficView> {
  const { status, body } = await admin.ask(`/api/traffic?${query}`, {
    headers: headers ?? (await admin.bearer('viewer')),
  });
  if (status !== 200) throw new Error(body);
  return JSON.parse(body);
}

const a = { address: '10.0.1.5:8080', time: '0.012', tls: 'TLSv1.3' };
const b = { address: '10.0.1.6:8080', time: '0.030', tls: 'TLSv1.2' };
const repeat = (count: number, line: string) => Array.from({ length: count }, () => line);

it('reports exactly the requests of all proxies, per cluster, host, route and task', async () => {
  await follow();
  const one = await aProxy('proxy1', [
    ...repeat(7, logLine('shop.example.org', 200, a)),
    ...repeat(3, logLine('shop.example.org', 404, b)),
    ...repeat(5, logLine('shop.example.org', 500, { ...b, path: '/api' })),
  ]);
  const other = await aProxy('proxy2', [
    ...repeat(2, logLine('shop.example.org', 200, a)),
    ...repeat(4, logLine('blog.example.org', 301)),
    ...repeat(6, logLine('_', 404)),
  ]);

  await Promise.all([one, other].map(({ reporter }) => reporter.report(stop.signal)));

  await eventually(async () => {
    const whole = await view();
    expect(whole.from).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d[05]\.000Z$/);
    expect(whole.totals).toMatchObject({
      requests: 27,
      classes: { '2xx': 9, '3xx': 4, '4xx': 9, '5xx': 5 },
      tls: { none: 10, 'TLSv1.2': 8, 'TLSv1.3': 9 },
      p50: 12,
      p99: 30,
    });
    expect(whole.connections).toEqual({ open: 12, reading: 2, writing: 4, waiting: 6 });
    expect(whole.steps.requests.reduce((sum, count) => sum + count)).toBe(27);
    const parts = whole.parts.map(({ kind, cluster, host, totals }) => [kind, host ?? cluster, totals.requests]);
    expect(parts).toEqual([
      ['cluster', 'default', 27],
      ['host', 'shop.example.org', 17],
      ['host', '*', 6],
      ['host', 'blog.example.org', 4],
    ]);
  });
  const shop = await view('host=shop.example.org');
  expect(
    shop.parts.map(({ kind, path, address, task, totals }) => [kind, path ?? address, task, totals.requests]),
  ).toEqual([
    ['route', '/', null, 12],
    ['task', '10.0.1.5:8080', 'taska00000000000000000000', 9],
    ['task', '10.0.1.6:8080', 'taskb00000000000000000000', 8],
    ['route', '/api', null, 5],
  ]);
  expect((await view('host=shop.example.org&route=/api')).totals.classes['5xx']).toBe(5);
  expect((await view('host=shop.example.org&task=taskb00000000000000000000')).totals.classes).toMatchObject({
    '4xx': 3,
    '5xx': 5,
  });
});

it('counts a repeated report once', async () => {
  await follow();
  const { counts, reporter } = await aProxy('proxy1', [logLine('shop.example.org', 200, a)]);
  const identity = await issueIdentity(authority, proxyName(cluster), Date.now());
  const receiver = createAgentClient({ identity, cluster, service: host, port });
  // The answer to the first attempt is lost.
  const forgetful = new TrafficReporter({
    task: 'proxy2',
    receiver: {
      sendTraffic: async (...call) => {
        await receiver.sendTraffic(...call);
        throw new Error('lost');
      },
    },
    take: async () => ({ rows: counts.takeRows(), errors: [], connections: null, lost: 0 }),
  });
  await forgetful.report(stop.signal);
  counts.take(`${logLine('shop.example.org', 200, a)}\n`);
  await forgetful.report(stop.signal);
  await reporter.report(stop.signal);

  await eventually(async () => expect((await view()).totals.requests).toBe(2));
});

it('lists the last errors with request ID, task and reason', async () => {
  await follow();
  const errors = [
    anError('shop.example.org', { id: 'first', route: '/api', at: 1_800_000_000_000 }),
    anError('blog.example.org', { id: 'second', at: 1_800_000_001_000, status: 503, address: '', upstreamStatus: '' }),
    anError('unknown.example.org', { id: 'third', at: 1_800_000_002_000 }),
  ];
  await (await aProxy('proxy1', [], { errors })).reporter.report(stop.signal);

  await eventually(async () =>
    expect((await view()).errors).toMatchObject([
      { id: 'third', host: '(other)' },
      { id: 'second', host: 'blog.example.org', address: null, reason: 'The route is closed, or no service answers' },
      {
        ...{ id: 'first', host: 'shop.example.org', path: '/api', address: '10.0.1.5:8080' },
        reason: 'The task refused the connection',
      },
    ]),
  );
  const { errors: own } = await view('host=blog.example.org&cluster=default');
  expect(own.map(({ id }) => id)).toEqual(['second']);
});

it('cannot be filled with hosts that the cluster does not have', async () => {
  await follow();
  const invented = Array.from({ length: 500 }, (_, number) => logLine(`host-${number}.org`, 200, a));
  await (await aProxy('proxy1', invented)).reporter.report(stop.signal);

  await eventually(async () => expect((await view()).totals.requests).toBe(500));
  // Everything, the cluster, other hosts, and their task.
  expect(admin.traffic.store.size).toBe(4);
});

it('announces each step as an event', async () => {
  await follow();
  await (await aProxy('proxy1', [logLine('shop.example.org', 500, a)])).reporter.report(stop.signal);
  await eventually(async () => expect((await view()).totals.requests).toBe(1));
  const events = await admin.start('/api/events', { headers: await admin.bearer('viewer') });
  let text = '';
  events.on('data', (chunk) => {
    text += chunk;
  });
  await eventually(async () => expect(text).toContain('event: state'));

  admin.traffic.store.moveTo(admin.traffic.store.step + 1);

  await eventually(async () =>
    expect(text).toMatch(/event: traffic\ndata: \{"at":"[\d-]+T[\d:]+\.000Z","requests":1,"errors":1\}/),
  );
  events.destroy();
});

it('shows a token of one cluster only its requests', async () => {
  await follow();
  await (await aProxy('proxy1', [logLine('shop.example.org', 200, a)])).reporter.report(stop.signal);
  await eventually(async () => expect((await view()).totals.requests).toBe(1));
  const { headers } = await admin.apiToken({ name: 'shown', role: 'viewer', cluster: 'default' });

  expect((await view('', headers)).parts.map(({ kind }) => kind)).toEqual(['cluster', 'host']);
  expect((await admin.ask('/api/traffic?cluster=other', { headers })).status).toBe(403);
});

it.each([
  ['range=2h', 400, 'range'],
  ['task=10.0.0.1:80', 400, 'require the parameter host'],
  ['host=unknown.example.org', 404, 'No requests to unknown.example.org'],
])('rejects %s', async (query, status, text) => {
  const answer = await admin.ask(`/api/traffic?${query}`, { headers: await admin.bearer('viewer') });

  expect(answer.status).toBe(status);
  expect(answer.body).toContain(text);
});

it('agents and controllers keep working with an extension of the last release', async () => {
  const identity = await issueIdentity(authority, extensionName(cluster), Date.now());
  const old = createServer({ ...identity, requestCert: true }, (_request, response) => response.writeHead(404).end());
  old.listen(0, host);
  await once(old, 'listening');
  const agent = await issueIdentity(authority, proxyName(cluster), Date.now());
  const receiver = createAgentClient({
    ...{ identity: agent, cluster, service: host },
    port: (old.address() as AddressInfo).port,
  });

  expect(
    await receiver.sendTraffic('proxy1', { number: 1, rows: [], errors: [], connections: null, lost: 0 }, stop.signal),
  ).toBe(false);
  old.close();
  old.closeAllConnections();
});
