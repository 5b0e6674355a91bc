// Labels of authentication on the real swarm: users in a secret, and an authenticator that is a service.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bed, curl, demo, echo, eventually, problemsOf, removeStack, settled } from '../support/interlock.ts';

const stack = 'authn';
let folder: string;

const users =
  'alice:$2y$10$abcdefghijklmnopqrstuuqflPDzB6gcMhKa1rZqKiun2YGL5sa2u\nbob:$apr1$HQyJJRdX$ErX.biAZXpF.zt7t12zro1\n';
const secrets = { users, plain: 'alice:hunter2\n', mixed: `${users}carol:hunter2\n` };
const labels = (host: string, more: Readonly<Record<string, string>>) =>
  Object.fromEntries(
    Object.entries({ hosts: `${host}.authn.local`, port: '8080', ...more }).map(([name, value]) => [
      `com.docker.lb.${name}`,
      value,
    ]),
  );

function compose(): string {
  const app = (host: string, more: Readonly<Record<string, string>>) => ({
    image: demo,
    networks: ['front'],
    deploy: { labels: labels(host, more) },
  });
  const checked = { forward_auth: 'http://checker:9091/verify', forward_auth_headers: 'Remote-User' };
  return JSON.stringify({
    services: {
      basic: app('basic', { basic_auth: 'users' }),
      plain: app('plain', { basic_auth: 'plain' }),
      mixed: app('mixed', { basic_auth: 'mixed' }),
      checked: app('checked', { ...checked, forward_auth_signin: 'https://auth.authn.local/' }),
      failing: app('failing', { forward_auth: 'http://checker:9091/fail' }),
      // Not published: it is on the network of the services that ask it.
      checker: {
        image: demo,
        entrypoint: ['node', '/authenticator.mjs'],
        healthcheck: { disable: true },
        configs: [{ source: 'authenticator', target: '/authenticator.mjs' }],
        networks: ['front'],
      },
    },
    configs: { authenticator: { file: new URL('../support/authenticator.mjs', import.meta.url).pathname } },
    secrets: Object.fromEntries(Object.keys(secrets).map((name) => [name, { file: join(folder, name) }])),
    networks: { front: { driver: 'overlay' } },
  });
}

const basic = (name: string) => ({ authorization: `Basic ${Buffer.from(`${name}:secret`).toString('base64')}` });
const status = async (host: string, headers: Readonly<Record<string, string>> = {}) =>
  (await curl(`${host}.authn.local`, '/echo', { headers })).status;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'authn-'));
  for (const [name, text] of Object.entries(secrets)) await writeFile(join(folder, name), text);
  await bed.deploy(stack, compose());
  await settled();
  await eventually(async () => expect(await status('basic')).toBe(401));
}, 300_000);
afterAll(async () => {
  await removeStack(stack);
  await rm(folder, { recursive: true, force: true });
}, 120_000);

describe('users in a secret', () => {
  it('sign in, and the service learns the name but not the password', async () => {
    for (const name of ['alice', 'bob']) {
      const { headers } = await echo('basic.authn.local', '/echo', { headers: basic(name) });
      expect(headers).toMatchObject({ 'x-forwarded-user': name });
      expect(headers).not.toHaveProperty('authorization');
    }
    expect(await status('basic', basic('mallory'))).toBe(401);
  });

  it.each([
    ['plain', /^line 1 of secret authn_plain has a password without a hash, so the proxies no longer receive it$/],
    ['mixed', /^line 3 of secret authn_mixed has a password without a hash$/],
  ])('close the route if a line is wrong: %s', async (name, reason) => {
    await eventually(async () => {
      expect((await problemsOf(`${stack}_${name}`)).map((problem) => problem.reason)).toEqual([
        expect.stringMatching(reason),
      ]);
      expect(await status(name, basic('alice'))).toBe(503);
    });
    expect(JSON.stringify(await problemsOf(`${stack}_${name}`))).not.toContain('hunter2');
  });
});

describe('an authenticator', () => {
  it('lets clients in and tells the service who they are', async () => {
    const forged = { 'remote-user': 'mallory' };
    await eventually(async () => expect(await status('checked', { cookie: 'session=alice' })).toBe(200));
    const { headers } = await echo('checked.authn.local', '/echo', { headers: { cookie: 'session=alice', ...forged } });

    expect(headers).toMatchObject({ 'remote-user': 'alice' });
  });

  it('sends others to sign in', async () => {
    const answer = await curl('checked.authn.local', '/echo');

    expect(answer.status).toBe(302);
    expect(answer.headers.location).toMatch(
      /^https:\/\/auth\.authn\.local\/\?rd=http:\/\/checked\.authn\.local.*\/echo$/,
    );
  });

  it('that fails lets nobody in', async () => {
    expect(await status('failing', { cookie: 'session=alice' })).toBe(503);
  });

  it('that is gone lets nobody in, and lets clients in once it is back', async () => {
    await bed.docker('service', 'scale', '--detach', `${stack}_checker=0`);
    await eventually(async () => {
      expect(await status('checked', { cookie: 'session=alice' })).toBe(503);
      expect(await problemsOf(`${stack}_checked`)).toMatchObject([
        { severity: 'error', label: 'com.docker.lb.forward_auth' },
      ]);
    });

    await bed.docker('service', 'scale', '--detach', `${stack}_checker=1`);
    await eventually(async () => expect(await status('checked', { cookie: 'session=alice' })).toBe(200));
    expect(await problemsOf(`${stack}_checked`)).toEqual([]);
  });
});
