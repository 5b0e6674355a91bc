// Prints the administrator password of the embedded swarm: npm run --silent password
import { adminPassword } from './admin-password.ts';
import { ensureEngine } from './engine.ts';
import { findBed } from './open-bed.ts';
import { runCommand, StepFailed } from './step.ts';

await runCommand(async () => {
  const engine = await ensureEngine({ note: () => {}, done: () => {} });
  const bed = await findBed(engine, process.env.SIGNALBOX_BED ?? 'dev');
  if (!bed) throw new StepFailed('The embedded swarm does not exist.', 'npm run up');
  console.log(await adminPassword(bed));
  return 0;
});
