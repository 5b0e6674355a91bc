// An application that does not answer is reported to its owner in plain words within ten seconds, everywhere, and the report disappears with the cause.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { adminPassword } from '../../bed/admin-password.ts';
import { project } from '../../bed/places.ts';
import { administer, bed, curl, demo, eventually, problemsOf, settled, state } from '../support/interlock.ts';
import { answers, Stack } from '../support/story.ts';

const run = promisify(execFile);
const stack = new Stack('honest');
/** From the cause in the swarm to the report, and from the repair to its end. */
const GOAL_MS = 10_000;

interface App {
  readonly [key: string]: unknown;
  readonly deploy?: Readonly<Record<string, unknown>>;
}

const node = (code: string): App => ({ entrypoint: ['node', '-e', code], healthcheck: { disable: true } });
const server = (address: string) =>
  node(`require('node:http').createServer((_, answer) => answer.end('{}')).listen(8080, '${address}')`);

async function deploy(name: string, app: App, labels: Readonly<Record<string, string>> = {}): Promise<void> {
  const service = (host: string, { deploy = {}, ...rest }: App, more = {}) => ({
    image: demo,
    networks: ['app'],
    ...rest,
    deploy: {
      replicas: 2,
      restart_policy: { delay: '500ms' },
      update_config: { order: 'stop-first', parallelism: 2, failure_action: 'continue', monitor: '1s' },
      labels: { 'com.docker.lb.hosts': host, 'com.docker.lb.port': '8080', ...more },
      ...deploy,
    },
  });
  const services = { good: service('good.honest.local', {}), [name]: service(`${name}.honest.local`, app, labels) };
  await bed.deploy(stack.name, JSON.stringify({ services, networks: { app: { driver: 'overlay' } } }));
}

async function signalbox(...args: string[]): Promise<string> {
  const { host, port } = bed.manager.address(9443);
  const env = { ...process.env, SIGNALBOX_PASSWORD: await adminPassword(bed) };
  const access = ['--insecure', '--url', `https://${host}:${port}`];
  const command = [`${project}/bin/signalbox.js`, ...args, ...access];
  // Problems are exit code 1.
  return run(process.execPath, command, { env }).then(
    ({ stdout }) => stdout,
    ({ stdout }: { stdout: string }) => stdout,
  );
}

async function json<T>(path: string): Promise<T> {
  const answer = await administer(path);
  expect(answer.status, answer.body).toBe(200);
  return JSON.parse(answer.body);
}

interface SeenTask {
  readonly DesiredState: string;
  readonly Status: { readonly State: string; readonly Err?: string };
}

/** Waits until the swarm itself shows the cause. */
async function shown(service: string, isCause: (task: SeenTask) => boolean): Promise<number> {
  await eventually(async () => expect((await bed.tasks(service)).some((task) => isCause(task as SeenTask))).toBe(true));
  return performance.now();
}

const failed = ({ Status }: SeenTask) => ['failed', 'rejected', 'complete'].includes(Status.State);
const running = ({ Status }: SeenTask) => Status.State === 'running';

beforeAll(async () => {
  await deploy('first', {});
  await settled();
  await answers('good.honest.local');
});
afterAll(() => stack[Symbol.asyncDispose]());

interface Case {
  readonly app: App;
  readonly labels?: Readonly<Record<string, string>>;
  readonly isCause: (task: SeenTask) => boolean;
  readonly reason: RegExp;
  /** What clients get: 502 if nginx finds no task that answers. */
  readonly status: number;
}

const cases: Readonly<Record<string, Case>> = {
  port: {
    app: {},
    labels: { 'com.docker.lb.port': '9999' },
    isCause: running,
    reason:
      /^Nothing listens on port 9999 of honest_port: 2 of 2 tasks refuse connections\. Does the application listen/,
    status: 502,
  },
  loopback: {
    app: server('127.0.0.1'),
    isCause: running,
    reason: /^Nothing listens on port 8080 of honest_loopback: 2 of 2 tasks refuse connections\..* 127\.0\.0\.1/,
    status: 502,
  },
  crash: {
    app: node('setTimeout(() => process.exit(3), 300)'),
    isCause: failed,
    reason: /^0 of 2 tasks of honest_crash run: the application ends with exit code 3/,
    status: 502,
  },
  image: {
    app: { image: 'signalbox/nothing:1' },
    isCause: failed,
    reason: /^0 of 2 tasks of honest_image run: the image is missing \(No such image: signalbox\/nothing:1\)$/,
    status: 502,
  },
  unhealthy: {
    app: {
      healthcheck: { test: ['CMD', 'node', '-e', 'process.exit(1)'], interval: '1s', retries: 2, start_period: '0s' },
    },
    isCause: failed,
    reason: /^0 of 2 tasks of honest_unhealthy run: the .*health check fails/,
    status: 502,
  },
  memory: {
    app: {
      ...node('const kept = []; for (;;) kept.push(Buffer.alloc(4e6, 1))'),
      deploy: { resources: { limits: { memory: '64M' } } },
    },
    isCause: failed,
    reason:
      /^0 of 2 tasks of honest_memory run: the application is killed \(exit code 137\), probably for memory: its limit is 64 MiB/,
    status: 502,
  },
  nodes: {
    app: { deploy: { resources: { reservations: { memory: '900G' } } } },
    isCause: ({ Status }) => Status.State === 'pending' && Status.Err !== undefined,
    reason: /^0 of 2 tasks of honest_nodes run: no suitable node \(insufficient resources on \d nodes?\)$/,
    status: 502,
  },
};

describe('an application that does not answer', () => {
  it.each(Object.entries(cases))('is reported: %s', async (name, { app, labels = {}, isCause, reason, status }) => {
    const service = stack.service(name);
    const host = `${name}.honest.local`;
    await deploy(name, app, labels);
    const causedAt = await shown(service, isCause);
    await eventually(async () =>
      expect((await problemsOf(service)).map((problem) => problem.reason)).toEqual([expect.stringMatching(reason)]),
    );
    const reportedMs = Math.round(performance.now() - causedAt);
    expect(reportedMs).toBeLessThan(GOAL_MS);

    const [problem] = await problemsOf(service);
    expect(problem).toMatchObject({ severity: 'error', service });
    expect((await curl(host, '/ping')).status).toBe(status);
    expect((await curl('good.honest.local', '/ping')).status).toBe(200);
    // Meanwhile it may have ended once more.
    const cause = problem!.reason.replace(/, \d times.*/, '');
    expect(await signalbox('problems', service)).toContain(cause);
    expect(await signalbox('routes', host)).toContain(cause);
    const [explained] = await json<{ tasks: string; because: string[] }[]>(`/api/explain?url=http://${host}/`);
    expect(explained).toMatchObject({ tasks: 'none' });
    expect(explained!.because.join(' ')).toContain(problem!.remedy);
    const { routes, services } = await state();
    expect(routes.find((route) => route.host === host)).toMatchObject({
      answer: { kind: 'no-task-runs', problemOf: service },
    });
    const metrics = (await administer('/metrics')).body;
    expect(metrics).toMatch(/^signalbox_services\{tasks="none"\} 1$/m);
    const seen = services.find((one) => one.name === service)!;
    const isListening = name === 'port' || name === 'loopback';
    expect(seen).toMatchObject(isListening ? { running: 2, desired: 2, unreachable: 2 } : { running: 0, desired: 2 });
    expect(metrics).toMatch(
      isListening
        ? new RegExp(`^signalbox_service_unreachable_tasks\\{service="${service}",reason="refused"\\} 2$`, 'm')
        : new RegExp(`^signalbox_service_missing_tasks\\{service="${service}"\\} 2$`, 'm'),
    );

    await deploy(name, name === 'loopback' ? server('0.0.0.0') : {});
    await answers(host);
    const fixedAt = performance.now();
    await eventually(async () => expect(await problemsOf(service)).toEqual([]));
    const clearedMs = Math.round(performance.now() - fixedAt);
    expect(clearedMs).toBeLessThan(GOAL_MS);
    console.log(`${name}: reported after ${reportedMs} ms, cleared after ${clearedMs} ms`);
    await eventually(async () => expect(await signalbox('routes', host)).toContain('2 of 2 tasks'));
  });
});

/** Stops listening when it is asked to, and listens again later. */
const pausing = node(`
  const server = require('node:http').createServer(({ url }, answer) => {
    answer.setHeader('connection', 'close');
    answer.end('{}');
    if (url !== '/pause') return;
    server.close();
    setTimeout(() => server.listen(8080, '0.0.0.0'), 20_000);
  });
  server.listen(8080, '0.0.0.0');
`);

it('is found by failed requests if it stops listening, and its return is noticed without any', async () => {
  const host = 'pausing.honest.local';
  await deploy('pausing', { ...pausing, deploy: { replicas: 1 } });
  await answers(host);
  expect(await problemsOf(stack.service('pausing'))).toEqual([]);

  await curl(host, '/pause');
  const begunAt = performance.now();
  await eventually(async () => expect((await curl(host, '/ping')).status).toBe(502));
  await eventually(async () => expect(await problemsOf(stack.service('pausing'))).toHaveLength(1));
  const reportedMs = Math.round(performance.now() - begunAt);
  expect(reportedMs).toBeLessThan(GOAL_MS);

  const { host: address, port } = bed.node('worker1').address(8080);
  const tried = await signalbox('explain', '--try', `http://${host}:${port}/ping`, '--address', address);
  expect(tried).toContain(`No task answers: ${host}/ → honest_pausing`);
  expect(tried).toContain('Nothing listens on port 8080 of honest_pausing: 1 of 1 task refuses connections.');
  expect(tried).toMatch(/Connection +[\d.]+ ms +connected to /);
  expect(tried).toMatch(/Answer +[\d.]+ ms +502 Bad Gateway/);
  expect(tried).toContain('answered by a proxy, request ');

  await eventually(async () => expect(await problemsOf(stack.service('pausing'))).toEqual([]));
  const clearedMs = Math.round(performance.now() - begunAt) - 20_000;
  expect(clearedMs).toBeLessThan(GOAL_MS);
  console.log(`pausing: reported after ${reportedMs} ms, cleared after ${clearedMs} ms`);
  expect((await curl(host, '/ping')).status).toBe(200);
});

it('is logged: the access log of a host is read from all proxies, in time and without other hosts', async () => {
  const start = Date.now();
  const host = 'good.honest.local';
  await eventually(async () => {
    await curl(host, '/in-the-log');
    const lines = (await signalbox('logs', host, '--json')).trim().split('\n').filter(Boolean);
    expect(lines.join('\n')).toContain('/in-the-log');
    for (const line of lines) expect(JSON.parse(line).text).toContain(`host="${host}"`);
  });
  expect(Date.now() - start).toBeLessThan(60_000);
});

it('is tried: the controller sends a request to a node, and sees which proxy answered', async () => {
  const body = JSON.stringify({ url: 'http://good.honest.local/ping' });
  const headers = { 'content-type': 'application/json' };
  await eventually(async () => {
    const answer = await administer('/api/try', { method: 'POST', headers, body });
    expect(answer.status, answer.body).toBe(200);
    const { steps } = JSON.parse(answer.body) as { steps: { step: string; ok: boolean; text: string }[] };
    const of = (wanted: string) => steps.find(({ step }) => step === wanted);
    expect(of('dns')).toMatchObject({ ok: false });
    expect(of('node')?.text).toMatch(/^the request goes to (?:manager|worker\d)$/);
    expect(of('connection')).toMatchObject({ ok: true, text: expect.stringMatching(/port 8080$/) });
    expect(of('answer')).toMatchObject({ ok: true, text: '200 OK' });
    expect(of('proxy')?.ok).toBe(true);
  });
});

it('is diagnosed: the doctor sees nodes, engines, ports and clocks of the swarm', async () => {
  const results: { check: string; status: string; findings: { what: string; fix: string }[] }[] = JSON.parse(
    await signalbox('doctor', '--skip-dns', '--json'),
  );
  const of = (check: string) => results.find((result) => result.check === check);
  for (const check of ['nodes', 'ports', 'clocks', 'published-ports', 'own-clock'])
    expect(of(check), JSON.stringify(results)).toMatchObject({ status: 'ok', findings: [] });
  // Whether IPVS is visible depends on the kernel.
  for (const check of ['engines', 'disk']) expect(of(check)?.status, check).not.toBe('unknown');
});
