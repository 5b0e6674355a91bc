// Services that claim DNS names of others with network aliases and host names.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  demo,
  eventually,
  InterlockStory,
  inspectProxy,
  pings,
  problemsOf,
  proxyNetworks,
  settled,
} from '../support/interlock.ts';
import { Load } from '../support/load.ts';
import { answersOnEveryNode } from '../support/story.ts';

const story = new InterlockStory();
const routing = (host: string) => `--label com.docker.lb.hosts=${host} --label com.docker.lb.port=8080`;
const victim = 'alias-web.local';

async function networkId(name: string): Promise<string> {
  return (await story.docker(`network inspect --format {{.Id}} ${name}`)).trim();
}

/** METADATA distinguishes the services. */
async function servicesBehind(host: string): Promise<Set<string | undefined>> {
  return new Set((await pings(host, 30)).map(({ metadata }) => metadata));
}

beforeAll(async () => {
  for (const network of ['alias-victim', 'alias-shared', 'alias-evil'])
    await story.docker(`network create --driver overlay ${network}`);
  await story.docker(
    `service create --name alias-web --replicas 2 --network alias-victim --env METADATA=victim ${routing(victim)} ${demo}`,
  );
  await story.docker(
    `service create --name alias-shop --network alias-shared --env METADATA=shop ${routing('alias-shop.local')} ${demo}`,
  );
  await settled();
  await answersOnEveryNode(victim);
});
afterAll(() => story.close());

describe('a service that claims the name of another', () => {
  it.each([
    ['alias', '--network name=alias-evil,alias=tasks.alias-web.alias-victim,alias=alias-web.alias-victim'],
    ['hostname', '--network alias-evil --hostname tasks.alias-web.alias-victim'],
  ])('gets none of its requests, and its own network is not joined: %s', async (kind, network) => {
    // Swarm writes to the service until a roll-out is complete, which may be after the proxies serve it.
    const { Version } = await eventually(async () => {
      const proxy = await inspectProxy();
      expect(proxy.UpdateStatus?.State).not.toBe('updating');
      return proxy;
    });
    await using load = new Load({ host: victim });

    await story.docker(
      `service create --name alias-${kind} ${network} --env METADATA=evil ${routing(`alias-${kind}.local`)} ${demo}`,
    );
    await settled();

    expect(await servicesBehind(victim)).toEqual(new Set(['victim']));
    expect(await proxyNetworks()).not.toContain(await networkId('alias-evil'));
    expect((await inspectProxy()).Version.Index).toBe(Version.Index);
    expect(await problemsOf(`alias-${kind}`)).toMatchObject(
      [
        { severity: 'error', value: 'tasks.alias-web.alias-victim' },
        ...(kind === 'alias' ? [{ severity: 'error', value: 'alias-web.alias-victim' }] : []),
      ].toSorted((a, b) => (a.value < b.value ? -1 : 1)),
    );
    expect((await load.stop()).failures).toEqual({});
  });

  it('gets none on a network that the proxies have joined for others', async () => {
    await story.docker(
      `service create --name alias-joined --network name=alias-shared,alias=tasks.alias-web.alias-victim --env METADATA=evil ${demo}`,
    );
    await eventually(async () => expect(await problemsOf('alias-web')).toMatchObject([{ severity: 'warning' }]));
    await settled();

    expect(await servicesBehind(victim)).toEqual(new Set(['victim']));
    expect(await servicesBehind('alias-shop.local')).toEqual(new Set(['shop']));

    await story.docker('service rm alias-joined');
    await eventually(async () => expect(await problemsOf('alias-web')).toEqual([]));
    await answersOnEveryNode(victim);
  });
});

describe("a service that claims the extension's name on a network of the proxies", () => {
  it('does not cut the control channel', async () => {
    await story.docker(
      'service create --name alias-extension ' +
        `--network name=alias-shared,alias=signalbox-extension,alias=signalbox-extension.signalbox ${demo}`,
    );
    await eventually(async () => expect(await problemsOf('alias-extension')).toHaveLength(2));
    await story.docker('service update --force signalbox-extension');

    await story.docker(
      `service create --name alias-late --network alias-victim --env METADATA=late ${routing('alias-late.local')} ${demo}`,
    );
    await settled();
    await answersOnEveryNode('alias-late.local');
  });
});
