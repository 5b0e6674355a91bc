#!/usr/bin/env node
// Node 24 runs the TypeScript of the command line as it stands; an older one hands over to the Node 24 among the dependencies.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const path = (relative) => fileURLToPath(new URL(relative, import.meta.url));
const [major] = process.versions.node.split('.');

if (Number(major) >= 24) await import('../src/cli.ts');
else {
  const args = ['--disable-warning=ExperimentalWarning', path('../src/cli.ts'), ...process.argv.slice(2)];
  const { status, error } = spawnSync(path('../node_modules/.bin/node'), args, { stdio: 'inherit' });
  if (error) process.stderr.write('signalbox: the dependencies are missing, run "npm ci" in its folder\n');
  process.exitCode = status ?? 2;
}
