// The password of the embedded swarm's administrator: npm run --silent password
import { adminPassword } from './admin-password.ts';
import { ensureEngine } from './engine.ts';
import { findBed } from './open-bed.ts';
import { runCommand, StepFailed } from './step.ts';

await runCommand(async () => {
  const engine = await ensureEngine({ note: () => {}, done: () => {} });
  const bed = await findBed(engine, process.env.SIGNALBOX_BED ?? 'dev');
  if (!bed) throw new StepFailed('There is no embedded swarm.', 'npm run up');
  console.log(await adminPassword(bed));
  return 0;
});
