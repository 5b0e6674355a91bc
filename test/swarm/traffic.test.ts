// Requests are counted always: per host, route and task, with the last errors and the open connections.
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { TrafficView } from '../../src/controller/admin/traffic.ts';
import { administer, bed, curl, eventually, ping } from '../support/interlock.ts';
import { deployStack, type Stack } from '../support/story.ts';
import { connect } from '../support/websocket.ts';

let stack: Stack;

beforeAll(async () => {
  stack = await deployStack('traffic', {
    shop: { host: 'shop.traffic', replicas: 2 },
    api: { host: 'shop.traffic', labels: { 'com.docker.lb.context_root': '/status' } },
    blog: { host: 'blog.traffic' },
  });
});
afterAll(() => stack[Symbol.asyncDispose]());

const LATEST_MS = 10_000;

async function traffic(query: string): Promise<TrafficView> {
  const { status, body } = await administer(`/api/traffic?range=1h&${query}`);
  expect(status, body).toBe(200);
  return JSON.parse(body);
}

const requestsOf = async (query: string) => (await traffic(query)).totals.classes;

/** Waits until two steps have passed without a request. */
async function atRest(host: string): Promise<void> {
  let counted = '';
  let since = 0;
  await eventually(async () => {
    const { totals, ...view } = await traffic(`host=${host}`);
    const from = Date.parse(view.from) / 1000;
    const now = JSON.stringify(totals.classes);
    if (now !== counted) since = from;
    counted = now;
    expect(from - since).toBeGreaterThanOrEqual(10);
  });
}

/** IDs of the running tasks. */
const tasksOf = async (service: string): Promise<ReadonlySet<string>> => {
  const ids = (await bed.docker('service', 'ps', '--filter', 'desired-state=running', '--quiet', '--no-trunc', service))
    .trim()
    .split('\n');
  return new Set(ids);
};

it('the API reports exactly the requests that were sent, per host, route and task, within 10 s', async () => {
  await Promise.all(['shop.traffic', 'blog.traffic'].map(atRest));
  const [shop, root, status, blog] = await Promise.all([
    requestsOf('host=shop.traffic'),
    requestsOf('host=shop.traffic&route=/'),
    requestsOf('host=shop.traffic&route=/status'),
    requestsOf('host=blog.traffic'),
  ]);
  const tasksBefore = (await traffic('host=shop.traffic')).parts.filter(({ kind }) => kind === 'task');

  const answeredBy = new Map<string, number>();
  for (let times = 0; times < 40; times += 1) {
    const { instance } = await ping('shop.traffic');
    answeredBy.set(instance, (answeredBy.get(instance) ?? 0) + 1);
  }
  for (let times = 0; times < 7; times += 1) expect((await curl('shop.traffic', '/status/404')).status).toBe(404);
  for (let times = 0; times < 3; times += 1) expect((await curl('shop.traffic', '/status/500')).status).toBe(500);
  for (let times = 0; times < 11; times += 1) expect((await curl('blog.traffic', '/status/204')).status).toBe(204);

  await eventually(async () => {
    const now = await traffic('host=shop.traffic');
    expect(now.totals.classes).toEqual({
      ...shop,
      '2xx': shop['2xx'] + 40,
      '4xx': shop['4xx'] + 7,
      '5xx': shop['5xx'] + 3,
    });
    expect(await requestsOf('host=shop.traffic&route=/')).toEqual({ ...root, '2xx': root['2xx'] + 40 });
    expect(await requestsOf('host=shop.traffic&route=/status')).toEqual({
      ...status,
      '4xx': status['4xx'] + 7,
      '5xx': status['5xx'] + 3,
    });
    expect(await requestsOf('host=blog.traffic')).toEqual({ ...blog, '2xx': blog['2xx'] + 11 });
  }, LATEST_MS);
  const ofShop = await tasksOf(stack.service('shop'));
  const tasks = (await traffic('host=shop.traffic')).parts.filter(
    ({ kind, task }) => kind === 'task' && ofShop.has(task!),
  );
  const grown = tasks.map(({ address, totals }) => {
    const before = tasksBefore.find((one) => one.address === address)?.totals.requests ?? 0;
    return totals.requests - before;
  });
  expect(tasks.every(({ node }) => node !== null)).toBe(true);
  expect(grown.filter((count) => count > 0).toSorted()).toEqual([...answeredBy.values()].toSorted());
});

it('the last errors have the request ID, the task and the reason', async () => {
  const { status } = await curl('shop.traffic', '/status/503?token=secret', {
    headers: { 'x-request-id': 'story-of-an-error' },
  });
  expect(status).toBe(503);

  await eventually(async () => {
    const { errors } = await traffic('host=shop.traffic');
    const found = errors.find(({ id }) => id === 'story-of-an-error');
    expect(found).toMatchObject({
      status: 503,
      path: '/status',
      request: 'GET /status/503',
      reason: 'The task answered 503',
    });
    expect(found!.address).toMatch(/^10\.\d+\.\d+\.\d+:8080$/);
  }, LATEST_MS);
});

it('open WebSockets are counted until they end', async () => {
  const idle = (await traffic('')).connections!.writing;
  {
    await using sockets = new AsyncDisposableStack();
    for (let times = 0; times < 12; times += 1) sockets.use(await connect('blog.traffic', '/ws'));
    await eventually(
      async () => expect((await traffic('')).connections!.writing).toBeGreaterThanOrEqual(idle + 12),
      LATEST_MS,
    );
  }
  await eventually(async () => {
    expect((await traffic('')).connections!.writing).toBeLessThan(idle + 12);
    expect((await requestsOf('host=blog.traffic'))['1xx']).toBe(12);
  }, LATEST_MS);
});
