// Benchmarks: npm run bench [-- PART …]. Each part prints a table, ratios first, and writes .bed/bench/<part>.json.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stateDir } from '../bed/places.ts';
import { prepare } from '../bed/prepare.ts';
import { runCommand, StepFailed } from '../bed/step.ts';
import { controller } from './controller.ts';
import { instructions } from './instructions.ts';
import { noLoss } from './no-loss.ts';
import type { Part } from './part.ts';
import { propagation } from './propagation.ts';
import { throughput } from './throughput.ts';

const parts: Readonly<Record<string, Part>> = { throughput, instructions, controller, propagation, 'no-loss': noLoss };

await runCommand(async () => {
  const chosen = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(parts);
  for (const name of chosen) {
    if (!Object.hasOwn(parts, name))
      throw new StepFailed(`Unknown part ${name}.`, `Choose from: ${Object.keys(parts).join(', ')}.`);
  }
  const prepared = await prepare();
  mkdirSync(join(stateDir, 'bench'), { recursive: true });
  for (const name of chosen) {
    const results = await parts[name]!(prepared);
    writeFileSync(join(stateDir, 'bench', `${name}.json`), `${JSON.stringify(results, null, 2)}\n`);
  }
  return 0;
});
