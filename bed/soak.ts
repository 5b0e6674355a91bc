// npm run soak -- --minutes 120 --seed 7: random faults and changes in a swarm under traffic. The same seed produces
// the same steps.
import { parseArgs } from 'node:util';
import { runCommand, StepFailed } from './step.ts';
import { runVitest } from './vitest.ts';

await runCommand(() => {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string', default: '10' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    },
  });
  for (const [name, value] of Object.entries(values))
    if (!/^\d+$/.test(value))
      throw new StepFailed(`--${name} ${value} is not a whole number.`, 'npm run soak -- --minutes 10');
  const env = { BED_COUNT: '1', SOAK_MINUTES: values.minutes, SOAK_SEED: values.seed };
  return runVitest(['--project', 'swarm', '--retry=0', 'swarm/soak.test'], env);
});
