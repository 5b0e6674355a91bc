// Upper-case letters in the names of stacks, networks and services: nginx queries DNS in lower case, and Docker
// compares networks case-sensitively.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { demo, eventually, InterlockStory, problemsOf, settled } from '../support/interlock.ts';
import { Load } from '../support/load.ts';
import { answersOnEveryNode, instancesOf } from '../support/story.ts';

const stack = 'case-MyApp';
const external = 'case-ProxyNet';
const story = new InterlockStory();

const service = (name: string, networks: readonly string[], labels: Readonly<Record<string, string>> = {}) => ({
  image: demo,
  networks,
  deploy: {
    labels: { 'com.docker.lb.hosts': `${name}.local`, 'com.docker.lb.port': '8080', ...labels },
    update_config: { order: 'start-first', monitor: '1s' },
  },
});

const compose = {
  services: {
    web: service('case-task', ['default']),
    vip: service('case-vip', ['default'], { 'com.docker.lb.backend_mode': 'vip' }),
    outside: service('case-network', ['proxy']),
    WebApp: service('case-service', ['frontEnd', 'default'], { 'com.docker.lb.network': 'frontEnd' }),
  },
  networks: { default: {}, frontEnd: { driver: 'overlay' }, proxy: { external: true, name: external } },
};
const hosts = ['case-task.local', 'case-vip.local', 'case-network.local', 'case-service.local'];

async function expectInstances(host: string, count: number): Promise<readonly string[]> {
  return eventually(async () => {
    const instances = [...(await instancesOf(host)).keys()];
    expect(instances).toHaveLength(count);
    return instances;
  });
}

beforeAll(async () => {
  await story.docker(`network create -d overlay ${external}`);
  // JSON is YAML.
  await story.deploy(stack, JSON.stringify(compose));
  await settled();
});
afterAll(() => story.close());

describe('a stack with upper-case names', () => {
  it.each(hosts)('answers on every node: %s', async (host) => {
    await answersOnEveryNode(host);
  });

  it('has no problems', async () => {
    for (const name of Object.keys(compose.services)) expect(await problemsOf(`${stack}_${name}`)).toEqual([]);
  });

  it.each([
    ['web', 'case-task.local'],
    ['vip', 'case-vip.local'],
  ])('is followed when tasks come and go, without a lost request: %s', async (name, host) => {
    const full = `${stack}_${name}`;
    await using load = new Load({ host });

    await story.docker(`service scale ${full}=4`);
    const former = await expectInstances(host, 4);
    // Swarm may still be writing the service.
    await eventually(() => story.docker(`service update --force ${full}`));
    await eventually(async () => {
      const replaced = await expectInstances(host, 4);
      expect([...replaced].filter((instance) => former.includes(instance))).toEqual([]);
    });
    await eventually(() => story.docker(`service scale ${full}=2`));
    await expectInstances(host, 2);

    const { total, failures } = await load.stop();
    expect(failures).toEqual({});
    expect(total).toBeGreaterThan(300);
  });

  it('is followed beyond the size of one UDP answer', async () => {
    await story.docker(`service scale ${stack}_web=32`);
    await eventually(async () => expect((await instancesOf('case-task.local', 128)).size).toBe(32), 180_000);
  });
});
