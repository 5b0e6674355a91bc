// Services that exceed their budget are reported, and everything else goes live.
import { expect, it } from 'vitest';
import { MOST_FILE_BYTES, MOST_FILES } from '../../src/model/limits.ts';
import { aService } from '../support/builders.ts';
import { ControllerWorld, serverOf } from '../support/controller-world.ts';

/** Size that Swarm accepts for the labels of a service. */
const LABEL_BYTES = 914_000;

function listOf(item: (n: number) => string, separator = ','): string {
  const items: string[] = [];
  for (let length = 0; length < LABEL_BYTES; length += items.at(-1)!.length + 1) items.push(item(items.length));
  return items.join(separator);
}

const large: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  hosts: { host: listOf((n) => `h${n}.example.org`) },
  'hosts of maximum length': { host: listOf((n) => `h${n}${'.abcdefghi'.repeat(24)}`) },
  expressions: { host: listOf((n) => String.raw`~^(.+\.)?t${n}\.example\.org$`) },
  'expressions that are too expensive': { host: listOf((n) => `~^a{1,70}[a-z]{1,70}${n}.*b$`) },
  redirects: { redirects: listOf((n) => `http://h${n}.example.org,https://t.example.org`, ';') },
  'an allow list': { maintenance: 'true', maintenance_allow: listOf((n) => `10.${n % 200}.${(n >> 8) % 250}.0/24`) },
  endpoints: { websocket_endpoints: listOf((n) => `/p${n}`) },
  'a path': { context_root: `/${'p'.repeat(LABEL_BYTES)}` },
  'many routes': Object.fromEntries(
    Array.from({ length: 8000 }, (_, n) => [
      [`${n}.hosts`, `h${n}.example.org`],
      [`${n}.port`, '80'],
      [`${n}.context_root`, `/${'p'.repeat(n % 60)}`],
      [`${n}.context_root_rewrite`, 'true'],
    ]).flat(),
  ),
};

function greedy(name: string, createdAt: string, { host, ...lb }: Readonly<Record<string, string>>) {
  return aService(name, { createdAt, lb, ...(host === undefined ? {} : { host }) });
}

it.each(Object.entries(large))(
  'two services with 914 kB of labels do not block changes of another service: %s',
  async (_, labels) => {
    const world = new ControllerWorld();
    world.swarm.deploy(aService('shop', { createdAt: '5' }));
    world.swarm.deploy(greedy('greedy1', '1', labels));
    world.swarm.deploy(greedy('greedy2', '9', labels));
    await world.settle();
    world.swarm.deploy(aService('shop', { createdAt: '5', port: '9090' }));

    await world.settle();

    expect(serverOf(world.served(), 'shop.example.org')).toBeDefined();
    expect(world.served()).toContain('tasks.shop.app:9090');
    expect(world.problems.filter(({ service }) => service === 'shop')).toEqual([]);
    expect(world.swarm.configs.length).toBeLessThan(MOST_FILES);
    for (const { data } of world.swarm.configs) expect(Buffer.byteLength(data)).toBeLessThan(MOST_FILE_BYTES);
    if (_ !== 'endpoints')
      for (const name of ['greedy1', 'greedy2'])
        expect(world.problems).toContainEqual(expect.objectContaining({ severity: 'error', service: name }));
  },
  60_000,
);

it('a service that exceeds its budget keeps its first hosts, and is complete again when it shrinks', async () => {
  const hosts = (count: number) => Array.from({ length: count }, (_, n) => `h${n}.${'x'.repeat(60)}.example.org`);
  const world = new ControllerWorld();
  world.swarm.deploy(aService('shop', { host: hosts(300).join(',') }));
  await world.settle();
  expect(world.problems).toEqual([]);

  world.swarm.deploy(aService('shop', { host: hosts(1999).join(',') }));
  await world.settle();
  for (const host of hosts(300)) expect(serverOf(world.served(), host)).toBeDefined();
  expect(world.problems).toMatchObject([{ service: 'shop', reason: expect.stringContaining('2 MiB') }]);

  world.swarm.deploy(aService('shop', { host: hosts(301).join(',') }));
  await world.settle();
  expect(serverOf(world.served(), hosts(301).at(-1)!)).toBeDefined();
  expect(world.problems).toEqual([]);
});

it('a service with thousands of invalid labels fills neither the log nor the state', async () => {
  const world = new ControllerWorld();
  world.swarm.deploy(aService('wrong', { host: Array.from({ length: 1500 }, (_, n) => `wrong ${n}`).join(',') }));
  world.swarm.deploy(aService('other', { port: 'none' }));

  await world.settle();

  const wrong = world.problems.filter(({ service }) => service === 'wrong');
  expect(wrong).toHaveLength(21);
  expect(wrong).toContainEqual(expect.objectContaining({ reason: expect.stringMatching(/has 1\d\d\d more problems/) }));
  expect(world.problems).toContainEqual(expect.objectContaining({ service: 'other' }));
  const logged = world.messages('Problem appeared').filter(({ service }) => service === 'wrong');
  expect(logged).toHaveLength(21);
});
