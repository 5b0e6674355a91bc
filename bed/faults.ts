// npm run faults: faults in a swarm with three managers and two workers, under traffic. Arguments select test files:
// npm run faults -- quorum
import { runCommand } from './step.ts';
import { runVitest } from './vitest.ts';

await runCommand(() => {
  return runVitest(['--project', 'managers', ...process.argv.slice(2)]);
});
