// Services that share a host and path: by weight and by conditions, and a fallback for one without tasks.
import { Agent, get } from 'node:http';
import { json } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bed, curl, echo, eventually } from '../support/interlock.ts';
import { deployStack, type Stack } from '../support/story.ts';

const label = (name: string) => `com.docker.lb.${name}`;
let stack: Stack;

beforeAll(async () => {
  stack = await deployStack('paths', {
    v1: { host: 'weights.local', version: 'v1', labels: { [label('weight')]: '90' } },
    v2: { host: 'weights.local', version: 'v2', replicas: 5, labels: { [label('weight')]: '10' } },
    beta: { host: 'weights.local', version: 'beta', labels: { [label('match')]: 'header:X-Beta=1' } },
    waker: { version: 'waker' },
    asleep: { host: 'asleep.local', version: 'awake', replicas: 0, labels: { [label('fallback')]: 'waker:8080' } },
  });
});
afterAll(() => stack?.[Symbol.asyncDispose]());

async function versions(host: string, count: number, headers: Readonly<Record<string, string>> = {}) {
  const agent = new Agent({ keepAlive: true, maxSockets: 16 });
  const address = bed.node('worker1').address(8080);
  const one = () => {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    get({ ...address, agent, path: '/ping', headers: { host, ...headers } }, (response) => {
      json(response).then((body) => resolve((body as { readonly version: string }).version), reject);
    }).on('error', reject);
    return promise;
  };
  const all = await Promise.all(Array.from({ length: count }, one)).finally(() => agent.destroy());
  return Object.fromEntries([...Map.groupBy(all, (version) => version)].map(([version, own]) => [version, own.length]));
}

describe('services that share a host and path', () => {
  it('receive the shares of their weights with 1 and 5 tasks', async () => {
    const found = await versions('weights.local', 10_000);

    expect(Object.keys(found).toSorted()).toEqual(['v1', 'v2']);
    expect(Math.abs(found.v2! / 10_000 - 0.1)).toBeLessThan(0.01);
  }, 60_000);

  it('receive the requests that fulfill their conditions', async () => {
    expect(await versions('weights.local', 50, { 'X-Beta': '1' })).toEqual({ beta: 50 });
  });
});

describe('a service without tasks', () => {
  const version = async () => JSON.parse((await curl('asleep.local', '/ping')).body).version as string;

  it('has its requests answered by the fallback, which learns the host', async () => {
    const begun = performance.now();
    const { headers, url } = await echo('asleep.local', '/echo/x?q');

    expect(performance.now() - begun).toBeLessThan(1000);
    expect([headers['x-forwarded-host'], url]).toEqual(['asleep.local', '/echo/x?q']);
    expect(await version()).toBe('waker');
  });

  it('answers itself as soon as it has a task, and the fallback again afterwards', async () => {
    await stack.scale(1, 'asleep');
    await eventually(async () => expect(await version()).toBe('awake'));

    await stack.scale(0, 'asleep');
    await eventually(async () => expect(await version()).toBe('waker'));
  });
});
