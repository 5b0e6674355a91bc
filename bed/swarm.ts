// The docker CLI against the bed's manager: npm run --silent swarm -- service ls
import { ensureEngine } from './engine.ts';
import { findBed } from './open-bed.ts';
import { runInForeground } from './shell.ts';
import { runCommand, StepFailed } from './step.ts';

await runCommand(async () => {
  const quiet = { note: () => {}, done: () => {} };
  const name = process.env.SIGNALBOX_BED ?? 'dev';
  const engine = await ensureEngine(quiet);
  const bed = await findBed(engine, name);
  if (!bed) throw new StepFailed('The embedded swarm does not exist.', 'npm run up');
  return runInForeground(engine.cli, process.argv.slice(2), { env: bed.cliEnv() });
});
