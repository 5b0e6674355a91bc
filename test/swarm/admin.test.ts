// The administrator's API on a real swarm: access, the switch as UCP scripts use it, and roll-back.
import { execFile } from 'node:child_process';
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { adminPassword } from '../../bed/admin-password.ts';
import {
  administer,
  askController,
  bed,
  eventually,
  logIn,
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

/** Events that the stream delivers within some seconds. */
async function events(access: readonly string[]): Promise<{ stdout: string }> {
  const { host, port } = bed.manager.address(9443);
  const url = `https://${host}:${port}/api/events`;
  return run('curl', ['-skN', '--max-time', '8', ...access, url]).catch((error) => {
    if (error.code !== 28) throw error;
    return error;
  });
}

const services = async () => (await bed.docker('service', 'ls', '--format', '{{.Name}}')).split('\n');

let stack: Stack;
let authorization: string[];

beforeAll(async () => {
  stack = await deployStack('switched', { app: { host: 'switched.local' } });
  const credentials = JSON.stringify({ username: 'admin', password: await adminPassword(bed) });
  // curl's default content type, as in UCP scripts.
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
  it('rejects requests without sign-in', async () => {
    expect((await askController('/api/state')).status).toBe(401);
    expect((await askController('/healthz')).status).toBe(200);
  });

  it('throttles a client that guesses passwords, and no other', async () => {
    // From within the node, which has another address than the test.
    const guess = `curl -sk -o /dev/null -w '%{http_code} ' -d '{"username":"admin","password":"guessed"}' https://127.0.0.1:9443/auth/login`;
    const guesses = `test "$(for n in 1 2 3 4 5 6; do ${guess}; done)" = '401 401 401 401 401 429 '`;
    expect(await bed.manager.exec('sh', '-c', guesses)).toBe(0);
    await logIn();
    await eventually(async () => {
      const { body } = await administer('/api/audit');
      const entry = expect.objectContaining({
        who: 'admin',
        what: expect.stringMatching(/^Failed to sign in 5 times/),
      });
      expect(JSON.parse(body)).toContainEqual(entry);
    }, 120_000);
  });

  it('rejects foreign pages, viewers and malformed requests, and changes nothing', async () => {
    const { changes } = await state();
    const jar = join(tmpdir(), `${bed.name}-cookies`);
    const json = ['-H', 'Content-Type: application/json'];
    const credentials = JSON.stringify({ username: 'admin', password: await adminPassword(bed) });
    const session = await curl('/auth/session', '-c', jar, ...json, '-d', credentials);
    expect(session.status, session.body).toBe(200);
    const page = ['-H', `X-Signalbox-Session: ${JSON.parse(session.body).session_token}`];
    const foreign = ['-H', 'Origin: https://elsewhere.example', '-H', 'Content-Type: text/plain'];
    const refused = [
      await curl('/api/interlock', '-b', jar, ...page, ...foreign, '-d', '{"InterlockEnabled":false}'),
      // The cookie alone, as an application on another port of this host receives it.
      await curl('/api/interlock', '-b', jar, '-d', '{"InterlockEnabled":false}'),
      await curl('/api/interlock', ...authorization, '-d', '{"HTTPPort":"many"}'),
      await curl('/api/hrm', ...authorization, '-d', 'InterlockEnabled=false'),
      await curl('/api/interlock', '-X', 'DELETE'),
    ];
    expect((await curl('/api/state', '-b', jar, ...page)).status).toBe(200);
    expect((await curl('/auth/session', '-b', jar, ...page, '-X', 'DELETE')).status).toBe(204);
    expect((await curl('/api/state', '-b', jar, ...page)).status).toBe(401);
    rmSync(jar);
    expect(refused.map(({ status }) => status)).toEqual([403, 401, 400, 400, 401]);
    for (const { body } of refused)
      expect(JSON.parse(body)).toMatchObject({ title: expect.any(String), detail: expect.any(String) });
    expect((await state()).changes).toEqual(changes);
  });

  it('lets a viewer read, and follow events', async () => {
    const password = await bed.exec('signalbox_controller', 'cat', '/run/secrets/signalbox-viewer-password');
    const credentials = JSON.stringify({ username: 'viewer', password: password.trim() });
    const { auth_token } = JSON.parse((await curl('/auth/login', '-d', credentials)).body);
    const viewer = ['-H', `Authorization: Bearer ${auth_token}`];
    expect((await curl('/api/interlock', ...viewer, '-X', 'DELETE')).status).toBe(403);
    expect(JSON.parse((await curl('/api/hrm', ...viewer)).body)).toMatchObject({
      InterlockEnabled: true,
      HTTPPort: 8080,
    });
    // curl stops after this time, with what it has received.
    const { stdout } = await events(viewer);
    expect(stdout).toMatch(/^event: state\ndata: \{.*"host":"switched\.local"/m);
  });

  it('rejects a port that a service holds, names the service, and changes nothing', async () => {
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
      expect(JSON.parse(body).detail).toContain('used by service squatter');
      expect(JSON.parse((await curl('/api/interlock', ...authorization)).body)).toMatchObject({ HTTPPort: 8080 });
    } finally {
      await bed.docker('service', 'rm', 'squatter');
    }
  });

  it('is switched off and on as UCP scripts do, and applications keep running', async () => {
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

    // A restarted controller finds the switch unchanged.
    const before = (await bed.running('signalbox_controller')).map(({ ID }) => ID);
    await bed.docker('service', 'update', '--detach', '--force', 'signalbox_controller');
    await eventually(async () => {
      const now = (await bed.running('signalbox_controller')).map(({ ID }) => ID);
      // The previous one may answer for a while.
      expect([now.length, now.some((id) => before.includes(id))]).toEqual([1, false]);
      expect(await state()).toMatchObject({ enabled: false });
    }, 120_000);

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

  it('rolls back to a stored version and holds it, while changes wait', async () => {
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
