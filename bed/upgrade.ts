// npm run upgrade -- --from v0.1.0: an upgrade from that release to this checkout and back, under traffic.
import { parseArgs } from 'node:util';
import { project } from './places.ts';
import { runInForeground } from './shell.ts';
import { runCommand, StepFailed } from './step.ts';

await runCommand(() => {
  const { from } = parseArgs({ options: { from: { type: 'string' } } }).values;
  if (from === undefined)
    throw new StepFailed('The release to upgrade from is missing.', 'npm run upgrade -- --from v0.1.0');
  const args = ['run', '--config', 'test/vitest.config.ts', '--project', 'upgrade'];
  return runInForeground('node_modules/.bin/vitest', args, {
    cwd: project,
    env: { ...process.env, UPGRADE_FROM: from },
  });
});
