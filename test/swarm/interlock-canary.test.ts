// Acceptance cases B1 to B3 of Interlock: two versions of a service share a host in proportion to their tasks.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { demo, eventually, InterlockStory, pings, proxyIdentity, published } from '../support/interlock.ts';

const story = new InterlockStory();

const label = '--label com.docker.lb.hosts=canary.local --label com.docker.lb.port=8080';

async function shareOfV2(): Promise<number> {
  const answers = await pings('canary.local', 100);
  expect(answers.every(({ metadata, version }) => (metadata === 'demo-version-2') === (version === '0.2'))).toBe(true);
  return answers.filter(({ metadata }) => metadata === 'demo-version-2').length / answers.length;
}

describe('a canary', () => {
  beforeAll(async () => {
    await story.docker('network create -d overlay canary');
    await story.docker(`service create --name demo-v1 --network canary --replicas 4
      --env METADATA=demo-version-1 ${label} ${demo}`);
    await story.docker(`service create --name demo-v2 --network canary --replicas 1
      --env METADATA=demo-version-2 --env VERSION=0.2 ${label} ${demo}`);
    await published('canary.local');
  });
  afterAll(() => story.close());

  it('B1: gets a fifth of the requests with one of five tasks', async () => {
    await eventually(async () => expect(await shareOfV2()).toBeCloseTo(0.2, 1));
  });

  it('B2: gets half of them with as many tasks as the other, and no proxy is updated', async () => {
    const before = await proxyIdentity();

    await story.docker('service scale demo-v2=4');

    await eventually(async () => expect(await shareOfV2()).toBeCloseTo(0.5, 1));
    expect(await proxyIdentity()).toEqual(before);
  });

  it('B3: gets all of them while the other has no tasks, and fewer when it has again', async () => {
    await story.docker('service scale demo-v1=0');
    await eventually(async () => expect(await shareOfV2()).toBe(1));

    await story.docker('service scale demo-v1=4');
    await eventually(async () => expect(await shareOfV2()).toBeCloseTo(0.5, 1));
  });
});
