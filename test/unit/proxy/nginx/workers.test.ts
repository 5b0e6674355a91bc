import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, expect, it } from 'vitest';
import { workersOf } from '../../../../src/proxy/nginx/workers.ts';

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill();
});

async function spawned(): Promise<string> {
  const child = spawn('sleep', ['60']);
  children.push(child);
  await once(child, 'spawn');
  return String(child.pid);
}

it('lists the running ones, and which of them are new', async () => {
  const old = await spawned();
  const before = await workersOf(process.pid);

  const young = await spawned();

  expect(before).toContain(old);
  expect([...(await workersOf(process.pid)).difference(before)]).toEqual([young]);
});

it('lists none if the kernel lists none', async () => {
  expect(await workersOf(0)).toEqual(new Set());
});
