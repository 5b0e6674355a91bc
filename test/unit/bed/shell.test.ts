import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import { CommandFailed, isOnPath, run, runInForeground } from '../../../bed/shell.ts';

const sh = (script: string, options = {}) => run('sh', ['-c', script], options);

it('resolves with the output, line break included', async () => {
  expect(await sh('echo out; echo err >&2')).toBe('out\n');
});

it('passes input and exactly the given environment', async () => {
  expect(await run('/bin/cat', [], { input: 'text' })).toBe('text');
  expect(await run('/usr/bin/env', [], { env: { ONLY: 'this' } })).toBe('ONLY=this\n');
});

it('reads no input of ours, and does not mind a command that reads none', async () => {
  expect(await run('cat', [])).toBe('');
  expect(await run('true', [], { input: 'x'.repeat(1_000_000) })).toBe('');
});

it.each([
  ['echo out; echo err >&2; exit 3', 'sh -c echo out; echo err >&2; exit 3 failed (3)\nout\nerr'],
  ['kill -9 $$', 'sh -c kill -9 $$ failed (SIGKILL)\n'],
])('fails with the output of %s', async (script, message) => {
  const error = await sh(script).catch((thrown) => thrown);
  expect(error).toBeInstanceOf(CommandFailed);
  expect(error.message).toBe(message);
});

it('ends a command that takes too long', async () => {
  await expect(run('sleep', ['60'], { timeoutMs: 50 })).rejects.toThrow('sleep 60 failed (SIGTERM)');
});

it('fails for a program that does not exist', async () => {
  await expect(run('/nowhere/program', [])).rejects.toThrow('ENOENT');
  await expect(runInForeground('/nowhere/program', [])).rejects.toThrow('ENOENT');
  expect(await isOnPath('no-such-program')).toBe(false);
  expect(await isOnPath('sh')).toBe(true);
});

it('resolves with the exit code of a command on our terminal', async () => {
  expect(await runInForeground('sh', ['-c', 'exit 7'])).toBe(7);
  expect(await runInForeground('sh', ['-c', 'kill -9 $$'])).toBe(1);
});

it.each(['run', 'runInForeground'])('%s ends its command with this process', async (name) => {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'pid');
  const script = `import { ${name} } from '${new URL('../../../bed/shell.ts', import.meta.url)}';
    const running = ${name}('sh', ['-c', 'echo $$ >"$0"; exec sleep 60', ${JSON.stringify(file)}]);
    console.log('started');
    await running;`;
  const parent = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  await once(parent.stdout, 'data');
  const pid = await vi.waitUntil(() => existsSync(file) && Number(readFileSync(file, 'utf8')), { timeout: 20_000 });

  parent.kill('SIGTERM');

  expect(await once(parent, 'exit')).toEqual([null, 'SIGTERM']);
  await expect.poll(() => isRunning(pid), { timeout: 10_000 }).toBe(false);
});

/** A process that ended is a zombie until its new parent collects it. */
function isRunning(pid: number): boolean {
  const path = `/proc/${pid}/stat`;
  return existsSync(path) && !/\) [ZX]/.test(readFileSync(path, 'utf8'));
}
