// Another stack claims a stack's host: it gets no request, and the owner and the administrator see which one it is.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  curl,
  defaultSettings,
  eventually,
  ping,
  problemsOf,
  proxyConfiguration,
  proxyNetworks,
  settled,
} from '../support/interlock.ts';
import { type Apps, answers, applySettings, Stack } from '../support/story.ts';

const shop = new Stack('shop');
const evil = new Stack('evil');
const claims: Apps = {
  same: { host: 'SHOP.owned.local.' },
  path: { host: 'shop.owned.local', labels: { 'com.docker.lb.context_root': '/pay' } },
  redirect: { host: 'shop.owned.local', labels: { 'com.docker.lb.redirects': 'shop.owned.local,http://evil.local' } },
  wildcard: { host: '*.owned.local' },
  // Compose files escape $ as $$.
  expression: { host: '~^shop.*$$' },
  below: { host: 'login.apps.owned.local' },
  rest: { labels: { 'com.docker.lb.default_backend': 'true', 'com.docker.lb.port': '8080' } },
};

const attacks: Apps = Object.fromEntries(
  Object.entries(claims).map(([app, options]) => [app, { ...options, version: 'evil' }]),
);

/** The owner's blocks of the configuration. */
async function ownersPart(): Promise<string[]> {
  const blocks = (await proxyConfiguration()).match(/^ {4}(upstream|server) [\s\S]*?^ {4}\}$/gm) ?? [];
  return blocks.filter((block) => block.includes('owned.local') || block.includes('tasks.shop_'));
}

const coreSettings = (text: string) => `${text}\n${defaultSettings}`;

beforeAll(async () => {
  await shop.deploy({ web: { host: 'shop.owned.local' }, apps: { host: '*.apps.owned.local' } });
  await settled();
  for (const host of ['shop.owned.local', 'login.apps.owned.local']) await answers(host);
});
afterAll(async () => {
  await evil[Symbol.asyncDispose]();
  await shop[Symbol.asyncDispose]();
  await applySettings(defaultSettings);
});

describe.each([
  ['first', 'HostsMode = "first"', ''],
  ['listed', 'HostsMode = "listed"', '[Hosts]\n"shop.owned.local" = ["shop"]\n"*.apps.owned.local" = ["shop_apps"]'],
])('HostsMode %s', (_, mode, hosts) => {
  beforeAll(async () => {
    await applySettings(`${coreSettings(mode)}\n${hosts}\n`);
    await settled();
  });
  afterAll(() => evil[Symbol.asyncDispose]());

  it('gives the attacker no request and changes nothing for the owner', async () => {
    const before = await ownersPart();
    const networks = await proxyNetworks();

    await evil.deploy(attacks);
    await eventually(async () => {
      for (const app of Object.keys(attacks))
        expect(await problemsOf(evil.service(app)), app).toContainEqual(expect.objectContaining({ severity: 'error' }));
    });
    await settled();

    expect(await ownersPart()).toEqual(before);
    expect(await proxyNetworks()).toEqual(networks);
    for (let times = 0; times < 16; times++) {
      expect((await ping('shop.owned.local')).version).toBe('1');
      expect((await ping('login.apps.owned.local')).version).toBe('1');
      expect((await curl('shop.owned.local', '/pay/ping')).body).not.toContain('evil');
    }
    expect((await curl('unknown.local')).status).toBe(503);
  });
});

describe('HostsMode open', () => {
  it('shares the host, and both owners see it', async () => {
    await applySettings(defaultSettings);
    await evil.deploy({ path: attacks.path! });
    await settled();

    const notice = expect.objectContaining({ severity: 'notice', reason: expect.stringContaining('stack evil') });
    await eventually(async () => {
      for (const service of [shop.service('web'), evil.service('path')])
        expect(await problemsOf(service)).toContainEqual(notice);
    });
  });

  it('reserves the names and addresses of managers', async () => {
    await evil.deploy({ manager: { host: 'manager, ~^manag.r$$' } });
    await settled();

    await eventually(async () =>
      expect(await problemsOf(evil.service('manager'))).toContainEqual(expect.objectContaining({ severity: 'error' })),
    );
  });
});
