// A configuration too large for one Docker config: stored in several, updated by part, rolled back.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { changeLabels, createServices, removeServices } from '../../bed/services.ts';
import { configPrefix, partsLabel, versionLabel } from '../../src/model/names.ts';
import { administer, bed, curl, demo, eventually, settled, state } from '../support/interlock.ts';

import { answersOnEveryNode } from '../support/story.ts';

const { docker } = bed.manager;
const names = Array.from({ length: 1500 }, (_, n) => `large-${n}`);
const [first = ''] = names;

const labelsFor = (name: string) => ({ 'com.docker.lb.hosts': `${name}.local`, 'com.docker.lb.port': '8080' });

/** Names of the config objects that the proxies serve. */
async function servedConfigs(): Promise<string[]> {
  const { served } = (await state()).clusters[0]!;
  const configs = (await docker.listConfigs()).map(({ Spec }) => Spec as { Name: string; Labels: Labels });
  const main = configs.find(({ Labels }) => Labels[versionLabel] === served)!;
  return [main.Name, ...main.Labels[partsLabel]!.split(' ').map((digest) => configPrefix + digest)];
}

type Labels = Readonly<Record<string, string>>;

describe('a large configuration', () => {
  beforeAll(async () => {
    const { id: networkId } = await docker.createNetwork({ Name: 'large', Driver: 'overlay' });
    const services = names.map((name) => ({ name, image: demo, networkId, labels: labelsFor(name) }));
    await createServices(
      docker,
      services.map((service, n) => ({ ...service, replicas: n === 0 ? 1 : 0 })),
    );
    await settled();
    await answersOnEveryNode(`${first}.local`);
  });
  afterAll(async () => {
    await removeServices(docker, names);
    await settled();
    await eventually(() => docker.getNetwork('large').remove());
  });

  it('is served from several objects', async () => {
    const configs = await servedConfigs();

    expect(configs.length).toBeGreaterThan(2);
    // Known, and without tasks.
    expect((await curl(`${names.at(-1)}.local`)).status).toBe(503);
    expect((await curl('nobody.local')).status).toBe(503);
    expect((await curl(`${first}.local`, '/ping')).status).toBe(200);
  });

  it('is updated by one part, and can be rolled back', async () => {
    const before = await servedConfigs();
    const served = (await settled()).clusters[0]!.version;

    await changeLabels(docker, first, { 'com.docker.lb.hosts': 'moved.local' });
    await answersOnEveryNode('moved.local');
    await settled();

    const after = await servedConfigs();
    expect(after.filter((name) => !before.includes(name)).length).toBeLessThan(5);
    expect(after.filter((name) => before.includes(name)).length).toBeGreaterThan(0);
    expect((await curl(`${first}.local`)).status).toBe(503);

    const version = `/api/clusters/default/versions/${served}`;
    expect((await administer(version)).body).toContain(`server_name "${first}.local"`);
    await administer(`${version}/hold`, { method: 'PUT' });
    await answersOnEveryNode(`${first}.local`);
    await administer('/api/clusters/default/hold', { method: 'DELETE' });
    await answersOnEveryNode('moved.local');
  });
});
