import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ensureBrowser } from './browser.ts';
import { ownRun } from './owner.ts';
import { project, stateDir } from './places.ts';
import { prepare } from './prepare.ts';
import { runInForeground } from './shell.ts';
import { StepFailed, step } from './step.ts';
import { runVitest } from './vitest.ts';

interface Count {
  passed: number;
  failed: number;
  skipped: number;
}

const total: Count = { passed: 0, failed: 0, skipped: 0 };

/** Each tool counts as one check. vitest reports each test. */
async function check(title: string, command: string, ...args: string[]): Promise<void> {
  console.log(`\n── ${title}`);
  const code = await runInForeground(join('node_modules/.bin', command), args, { cwd: project });
  if (code === 0) total.passed += 1;
  else total.failed += 1;
}

async function tests(title: string, ...projects: string[]): Promise<void> {
  console.log(`\n── ${title}`);
  const results = join(stateDir, `${title.replaceAll(' ', '-')}.json`);
  rmSync(results, { force: true });
  mkdirSync(stateDir, { recursive: true });
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${results}`];
  const chosen = projects.flatMap((name) => ['--project', name]);
  add(results, await runVitest([...chosen, ...reporters]));
}

/** A run that failed without a failed test (a file that does not load, a setup that threw) counts as one failure. */
function add(results: string, code: number): void {
  const failedBefore = total.failed;
  try {
    const json = JSON.parse(readFileSync(results, 'utf8')) as Record<string, number>;
    total.passed += json.numPassedTests ?? 0;
    total.failed += json.numFailedTests ?? 0;
    total.skipped += (json.numPendingTests ?? 0) + (json.numTodoTests ?? 0);
  } catch {
    // Without a report, the exit code is the result.
  }
  if (code !== 0 && total.failed === failedBefore) total.failed += 1;
}

async function engineIsReady(): Promise<boolean> {
  console.log('\n── engine and images');
  try {
    await prepare();
    return true;
  } catch (error) {
    console.error(error);
    if (error instanceof StepFailed) console.error(`\nWhat to do: ${error.remedy}`);
    total.failed += 1;
    return false;
  }
}

ownRun();
await check('lint', 'biome', 'check', '.');
await check('types', 'tsc');
await check('types of the page', 'tsc', '--project', 'src/ui');
await tests('unit', 'unit', 'golden', 'feature', 'security');
console.log('\n── browser');
await step('browser', ensureBrowser);
await tests('page', 'page');
if (await engineIsReady()) {
  await tests('nginx', 'nginx');
  await tests('swarm', 'swarm');
}
const { passed, failed, skipped } = total;
console.log(`\n${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
process.exitCode = failed === 0 ? 0 : 1;
