// npm run faults: faults in a swarm with three managers and two workers, under traffic. Arguments select test files:
// npm run faults -- quorum
import { project } from './places.ts';
import { runInForeground } from './shell.ts';
import { runCommand } from './step.ts';

await runCommand(() => {
  const args = ['run', '--config', 'test/vitest.config.ts', '--project', 'managers', ...process.argv.slice(2)];
  return runInForeground('node_modules/.bin/vitest', args, { cwd: project });
});
