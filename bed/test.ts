import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ensureBrowser } from './browser.ts';
import { failedTests, type Report } from './failed-tests.ts';
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

/** What failed, repeated at the end: a log of an hour is often cut at its beginning. */
const failures: string[] = [];

/** Each tool counts as one check. vitest reports each test. */
async function check(title: string, command: string, ...args: string[]): Promise<void> {
  console.log(`\n── ${title}`);
  const code = await runInForeground(join('node_modules/.bin', command), args, { cwd: project });
  if (code === 0) total.passed += 1;
  else fail(title);
}

function fail(what: string): void {
  total.failed += 1;
  failures.push(what);
}

async function tests(title: string, ...projects: string[]): Promise<void> {
  console.log(`\n── ${title}`);
  const results = join(stateDir, `${title.replaceAll(' ', '-')}.json`);
  rmSync(results, { force: true });
  mkdirSync(stateDir, { recursive: true });
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${results}`];
  const chosen = projects.flatMap((name) => ['--project', name]);
  add(title, results, await runVitest([...chosen, ...reporters]));
}

/** A run that failed without a failed test (a file that does not load, a setup that threw) counts as one failure. */
function add(title: string, results: string, code: number): void {
  const failedBefore = total.failed;
  try {
    const report = JSON.parse(readFileSync(results, 'utf8')) as Report;
    total.passed += report.numPassedTests;
    total.skipped += report.numPendingTests + report.numTodoTests;
    for (const failure of failedTests(report, project)) fail(failure);
  } catch {
    // Without a report, the exit code is the result.
  }
  if (code !== 0 && total.failed === failedBefore) fail(`${title}: no test failed, but the run did`);
}

async function engineIsReady(): Promise<boolean> {
  console.log('\n── engine and images');
  try {
    await prepare();
    return true;
  } catch (error) {
    console.error(error);
    if (error instanceof StepFailed) console.error(`\nWhat to do: ${error.remedy}`);
    fail('engine and images');
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
for (const failure of failures) console.log(`\nFailed: ${failure}`);
const { passed, failed, skipped } = total;
console.log(`\n${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
process.exitCode = failed === 0 ? 0 : 1;
