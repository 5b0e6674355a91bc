// npm run faults: faults of a swarm with three managers and two workers, under traffic. Further words choose files: npm run faults -- quorum
import { project } from './places.ts';
import { runInForeground } from './shell.ts';
import { runCommand } from './step.ts';

await runCommand(() => {
  const args = ['run', '--config', 'test/vitest.config.ts', '--project', 'managers', ...process.argv.slice(2)];
  return runInForeground('node_modules/.bin/vitest', args, { cwd: project });
});
