// Hosts and services under temporary maintenance, by API, command line and label.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { adminPassword } from '../../bed/admin-password.ts';
import { project } from '../../bed/places.ts';
import { DockerAdministrationStore } from '../../src/controller/docker/administration-store.ts';
import { ConflictError } from '../../src/controller/ports.ts';
import type { Administration } from '../../src/model/access/administration.ts';
import { administer, bed, curl, eventually, settled, state } from '../support/interlock.ts';
import { answers, deployStack, type Stack, serviceIndex } from '../support/story.ts';

const run = promisify(execFile);
const host = 'works.local';
const api = `/api/maintenance/hosts/${host}`;

let stack: Stack;

beforeAll(async () => {
  stack = await deployStack('works', { app: { host } });
});

afterAll(async () => {
  await administer(api, { method: 'DELETE' });
  await stack?.[Symbol.asyncDispose]();
});

/** No client is allowed on any node. */
async function isClosed(): Promise<void> {
  await eventually(async () => {
    for (const node of ['manager', 'worker1', 'worker2'] as const) {
      const { status, headers, body } = await curl(host, '/ping', { node });
      expect([status, headers['retry-after']], body).toEqual([503, '60']);
      expect(body).toContain('503 Under Maintenance');
    }
  });
}

async function signalbox(...args: string[]): Promise<string> {
  const { host, port } = bed.manager.address(9443);
  const env = { ...process.env, SIGNALBOX_PASSWORD: await adminPassword(bed) };
  const access = ['--insecure', '--url', `https://${host}:${port}`];
  const { stdout } = await run(process.execPath, [`${project}/bin/signalbox.js`, ...args, ...access], { env });
  return stdout;
}

describe('Maintenance', () => {
  it('begins and ends by API, without changing the service', async () => {
    const before = await serviceIndex('works_app');
    const begun = await administer(api, { method: 'PUT', body: '{}' });
    expect(begun.status, begun.body).toBe(204);
    await isClosed();
    expect((await state()).maintenance).toMatchObject([{ kind: 'host', name: host, allow: [], who: 'admin' }]);

    const ended = await administer(api, { method: 'DELETE' });
    expect(ended.status, ended.body).toBe(204);
    await answers(host);
    expect((await state()).maintenance).toEqual([]);
    expect(await serviceIndex('works_app')).toBe(before);
  });

  it('allows the addresses of a list', async () => {
    const begun = await administer(api, { method: 'PUT', body: '{"allow":["0.0.0.0/0","::/0"]}' });
    expect(begun.status, begun.body).toBe(204);
    await eventually(async () =>
      expect((await state()).routes.find((route) => route.host === host)?.maintenance).toBe(true),
    );
    await settled();
    await answers(host);
    await administer(api, { method: 'DELETE' });
  });

  it('begins and ends by the command line', async () => {
    expect(await signalbox('maintenance', 'on', 'works_app')).toMatch(/works_app +service +- +admin/);
    await isClosed();
    expect(await signalbox('maintenance', 'off', 'works_app')).toBe('Nothing is under maintenance\n');
    await answers(host);
  });

  it('begins on another controller, and ends on this one', async () => {
    const other = new DockerAdministrationStore(bed.manager.docker);
    const { revision, text } = (await other.load())!;
    const decided: Administration = JSON.parse(text);
    const one = { kind: 'host', name: host, allow: [], who: 'other', since: new Date().toISOString() } as const;
    await other.save({ revision: revision + 1, text: JSON.stringify({ ...decided, maintenance: [one] }) });
    await isClosed();
    expect((await state()).maintenance).toEqual([one]);
    // Too late: another user was faster.
    await expect(other.save({ revision: revision + 1, text })).rejects.toThrow(ConflictError);

    const ended = await administer(api, { method: 'DELETE' });
    expect(ended.status, ended.body).toBe(204);
    await answers(host);
    expect(await other.load()).toMatchObject({ revision: revision + 2 });
  });

  it('begins and ends by a label', async () => {
    await stack.deploy({ app: { host, labels: { 'com.docker.lb.maintenance': 'true' } } });
    await isClosed();
    expect((await state()).maintenance).toEqual([
      { kind: 'service', name: 'works_app', allow: [], who: null, since: null },
    ]);
    await stack.deploy({ app: { host } });
    await answers(host);
  });
});
