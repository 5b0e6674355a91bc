// Proxies follow tasks although a container takes over a name, and by their addresses.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { denyName } from '../support/denied-name.ts';
import {
  bed,
  defaultSettings,
  demo,
  eventually,
  InterlockStory,
  inspectProxy,
  ping,
  pings,
  problemsOf,
  proxyConfiguration,
  settled,
} from '../support/interlock.ts';
import { Load } from '../support/load.ts';
import { answersOnEveryNode, applySettings, instancesOf, restoreSettings } from '../support/story.ts';

const story = new InterlockStory();
const victim = 'follow-web.local';
const name = 'tasks.follow-web.follow-net';
const routing = (host: string) => `--label com.docker.lb.hosts=${host} --label com.docker.lb.port=8080`;

/** METADATA distinguishes victim and attacker. Undefined if nothing answers. */
async function answers(requests: number): Promise<(string | undefined)[]> {
  const one = async () => (await ping(victim).catch(() => undefined))?.metadata;
  return Promise.all(Array.from({ length: requests }, one));
}

const started: { remove(options: { readonly force: true }): Promise<unknown> }[] = [];

/** `docker run` on a worker, with a network alias. It belongs to no service, so the controller cannot see it. */
async function runContainer(network: string, alias: string) {
  const container = await bed.node('worker2').docker.createContainer({
    Image: demo,
    Env: ['METADATA=evil'],
    HostConfig: { NetworkMode: network },
    NetworkingConfig: { EndpointsConfig: { [network]: { Aliases: [alias] } } },
  });
  started.push(container);
  await container.start();
  return container;
}

beforeAll(async () => {
  for (const network of ['follow-net', 'follow-evil'])
    await story.docker(`network create --driver overlay --attachable ${network}`);
  await story.docker(
    `service create --name follow-web --replicas 2 --network follow-net --env METADATA=victim --update-delay 1s ${routing(victim)} ${demo}`,
  );
  // It makes the proxies join the attacker's network.
  await story.docker(`service create --name follow-shop --network follow-evil ${routing('follow-shop.local')} ${demo}`);
  await settled();
  await answersOnEveryNode(victim);
});
afterAll(async () => {
  await restoreSettings();
  // Otherwise their network stays.
  for (const container of started) await container.remove({ force: true }).catch(() => undefined);
  await story.close();
});

describe('a container on an attachable network that takes over the name of a service', () => {
  it('receives no request once the agents have detected it, and the name is used again when it is gone', async () => {
    const { Version } = await inspectProxy();
    const attacker = await runContainer('follow-evil', name);
    const begun = performance.now();
    let lastTaken = begun;
    let taken = 0;
    await eventually(async () => {
      const found = (await answers(20)).filter((metadata) => metadata !== 'victim').length;
      if (found > 0) lastTaken = performance.now();
      taken += found;
      expect(await proxyConfiguration()).toContain(`# doubted ${name}`);
      expect(await problemsOf('follow-web')).toMatchObject([{ severity: 'warning', value: name }]);
    });
    await settled();
    expect(new Set(await answers(60))).toEqual(new Set(['victim']));
    const tookMs = Math.round(lastTaken - begun);
    console.log(`The container answered ${taken} requests, the last ${tookMs} ms after it started`);
    const [problem] = await problemsOf('follow-web');
    expect(problem!.reason).toContain('a container on network follow-evil');
    expect((await inspectProxy()).Version.Index).toBe(Version.Index);

    await using load = new Load({ host: victim });
    await story.docker('service scale follow-web=3');
    await eventually(async () => expect((await instancesOf(victim)).size).toBe(3));
    await attacker.remove({ force: true });
    await eventually(async () => expect(await problemsOf('follow-web')).toEqual([]), 150_000);
    await settled();

    await eventually(async () => expect(new Set(await answers(30))).toEqual(new Set(['victim'])));
    expect((await load.stop()).failures).toEqual({});
    await story.docker('service scale follow-web=2');
  });
});

describe('an engine that denies a name whose tasks are running', () => {
  it('costs no request once the agents have detected it, and the name is used again when the engine knows it', async () => {
    const { Version } = await inspectProxy();
    await using first = new Load({ host: victim });
    const begun = performance.now();
    await using denial = await denyName(name, 'signalbox-proxy');
    await eventually(async () => {
      expect(await proxyConfiguration()).toContain(`# doubted ${name}`);
      expect(await problemsOf('follow-web')).toMatchObject([
        { severity: 'warning', value: name, reason: expect.stringContaining('a Docker Engine bug') },
      ]);
    });
    await settled();
    const { total, failed } = await first.stop();
    console.log(
      `Found after ${Math.round(performance.now() - begun)} ms; ${failed} of ${total} requests failed until then`,
    );
    expect((await inspectProxy()).Version.Index).toBe(Version.Index);

    await using second = new Load({ host: victim });
    await story.docker('service scale follow-web=3');
    await eventually(async () => expect((await instancesOf(victim)).size).toBe(3));
    await denial[Symbol.asyncDispose]();
    await eventually(async () => expect(await problemsOf('follow-web')).toEqual([]), 150_000);
    await settled();
    await eventually(async () => expect(await proxyConfiguration()).toContain(`"${name}:8080"`));
    expect((await second.stop()).failures).toEqual({});
    await story.docker('service scale follow-web=2');
  });
});

describe('FollowTasks = "addresses"', () => {
  it('loses no request while a service is scaled and updated', async () => {
    await applySettings(
      defaultSettings.replace('[Extensions.default]', '[Extensions.default]\nFollowTasks = "addresses"'),
    );
    await settled();
    await eventually(async () => expect(await proxyConfiguration()).not.toContain('# network'));
    await answersOnEveryNode(victim);
    await using load = new Load({ host: victim });

    for (const replicas of [4, 1, 3]) {
      await story.docker(`service scale follow-web=${replicas}`);
      await eventually(async () => expect((await instancesOf(victim)).size).toBe(replicas));
    }
    for (const order of ['start-first', 'stop-first']) {
      await story.docker(`service update --update-order ${order} --env-add VERSION=${order} follow-web`);
      await eventually(async () => {
        const versions = new Set((await pings(victim, 30)).map(({ version }) => version));
        expect(versions).toEqual(new Set([order]));
      }, 120_000);
    }

    const report = await load.stop();
    expect(report.failures).toEqual({});
    expect(report.total).toBeGreaterThan(1000);
  });
});
