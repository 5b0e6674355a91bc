import { project } from './places.ts';
import { runInForeground } from './shell.ts';

/** Runs vitest on our terminal and resolves with its exit code. */
export function runVitest(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<number> {
  const all = ['run', '--config', 'test/vitest.config.ts', ...args];
  return runInForeground('node_modules/.bin/vitest', all, { cwd: project, env: { ...process.env, ...env } });
}
