// npm run upgrade -- --from v0.1.0: an upgrade from that release to this checkout and back, under traffic.
import { parseArgs } from 'node:util';
import { runCommand, StepFailed } from './step.ts';
import { runVitest } from './vitest.ts';

await runCommand(() => {
  const { from } = parseArgs({ options: { from: { type: 'string' } } }).values;
  if (from === undefined)
    throw new StepFailed('The release to upgrade from is missing.', 'npm run upgrade -- --from v0.1.0');
  return runVitest(['--project', 'upgrade'], { UPGRADE_FROM: from });
});
