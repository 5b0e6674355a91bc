// The administrator's API on a real swarm: who may come in, the switch as scripts made for UCP throw it, roll-back.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { adminPassword } from '../../bed/admin-password.ts';
import {
  administer,
  askController,
  bed,
  eventually,
  proxyConfiguration,
  settled,
  state,
} from '../support/interlock.ts';
import { answers, configNames, deployStack, type Stack } from '../support/story.ts';

const run = promisify(execFile);

/** curl as scripts call it: status and body. */
async function curl(path: string, ...args: string[]) {
  const { host, port } = bed.manager.address(9443);
  const url = `https://${host}:${port}${path}`;
  const { stdout } = await run('curl', ['-sk', '-w', '\n%{http_code}', ...args, url]);
  const end = stdout.lastIndexOf('\n');
  return { status: Number(stdout.slice(end + 1)), body: stdout.slice(0, end) };
}

const services = async () => (await bed.docker('service', 'ls', '--format', '{{.Name}}')).split('\n');

let stack: Stack;
let authorization: string[];

beforeAll(async () => {
  stack = await deployStack('switched', { app: { host: 'switched.local' } });
  const credentials = JSON.stringify({ username: 'admin', password: await adminPassword(bed) });
  // curl's own content type, as in scripts made for UCP.
  const { status, body } = await curl('/auth/login', '-d', credentials);
  expect(status, body).toBe(200);
  authorization = ['-H', `Authorization: Bearer ${JSON.parse(body).auth_token}`];
});

afterAll(async () => {
  await administer('/api/clusters/default/hold', { method: 'DELETE' });
  await administer('/api/interlock', { method: 'POST', body: '{"HTTPPort":8080,"HTTPSPort":8443}' });
  await stack?.[Symbol.asyncDispose]();
});

describe('Layer 7 routing', () => {
  it('lets nobody in without login', async () => {
    expect((await askController('/api/state')).status).toBe(401);
    expect((await askController('/healthz')).status).toBe(200);
  });

  it('refuses a port that a service holds, by its name, and changes nothing', async () => {
    await bed.docker(
      'service',
      'create',
      '--detach',
      '--quiet',
      '--no-resolve-image',
      '--name',
      'squatter',
      '--publish',
      '9180:8080',
      '--replicas',
      '0',
      'signalbox/none',
    );
    try {
      const { status, body } = await curl(
        '/api/interlock',
        ...authorization,
        '-d',
        '{"HTTPPort":9180,"HTTPSPort":8443,"Arch":"x86_64"}',
      );
      expect(status, body).toBe(409);
      expect(JSON.parse(body).detail).toContain('taken by the service squatter');
      expect(JSON.parse((await curl('/api/interlock', ...authorization)).body)).toMatchObject({ HTTPPort: 8080 });
    } finally {
      await bed.docker('service', 'rm', 'squatter');
    }
  });

  it('is switched off and on as scripts for UCP do; applications stay', async () => {
    const off = await curl('/api/interlock', ...authorization, '-X', 'DELETE');
    expect(off.status, off.body).toBe(200);
    await eventually(async () => {
      const present = await services();
      expect(present).not.toContain('signalbox-proxy');
      expect(present).not.toContain('signalbox-extension');
      expect(present).toEqual(expect.arrayContaining(['switched_app', 'signalbox_controller']));
      expect((await configNames()).filter((name) => name.startsWith('com.docker.interlock.proxy.'))).toEqual([]);
      const secrets = (await bed.docker('secret', 'ls', '--format', '{{.Name}}')).split('\n');
      expect(secrets.filter((name) => name.startsWith('signalbox.') && name.includes('extension'))).toEqual([]);
    });
    expect(await state()).toMatchObject({ enabled: false, error: null });

    // A controller that starts anew finds the switch as it was.
    await bed.docker('service', 'update', '--detach', '--force', 'signalbox_controller');
    await eventually(async () => expect(await state()).toMatchObject({ enabled: false }), 120_000);

    const on = await curl(
      '/api/interlock',
      ...authorization,
      '-d',
      '{"HTTPPort":8080,"HTTPSPort":8443,"Arch":"x86_64"}',
    );
    expect(on.status, on.body).toBe(200);
    await settled();
    await answers('switched.local');
    const { enabled, changes } = await state();
    expect(enabled).toBe(true);
    expect(changes.slice(0, 2).map(({ who, what }) => `${who}: ${what}`)).toEqual([
      'admin: Switched on, HTTP 8080, HTTPS 8443',
      'admin: Switched off',
    ]);
  });

  it('goes back to a kept version and holds it; what changes meanwhile waits', async () => {
    const before = (await settled()).clusters[0]!.version!;
    await stack.deploy({ app: { host: 'switched.local' }, other: { host: 'later.local' } });
    await eventually(async () => expect(await proxyConfiguration()).toContain('later.local'));
    await settled();
    const hold = await administer(`/api/clusters/default/versions/${before}/hold`, { method: 'PUT' });
    expect(hold.status, hold.body).toBe(204);
    await eventually(async () => expect(await proxyConfiguration()).not.toContain('later.local'));
    const held = await settled();
    expect(held.clusters[0]).toMatchObject({ held: before, served: before });
    expect(held.problems).toContainEqual(
      expect.objectContaining({ severity: 'notice', reason: expect.stringContaining('Held at version') }),
    );
    expect((await administer('/api/clusters/default/hold', { method: 'DELETE' })).status).toBe(204);
    await answers('later.local');
  });
});
