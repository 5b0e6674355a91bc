#!/usr/bin/env node
// Node 24 runs the TypeScript of the command line as it stands; an older one hands over to the Node 24 among the dependencies. Images
// have it without types, in lib.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const path = (relative) => fileURLToPath(new URL(relative, import.meta.url));
const built = path('../lib/cli/main.js');
const main = existsSync(built) ? built : path('../src/cli/main.ts');
const [major] = process.versions.node.split('.');

if (Number(major) >= 24) await import(main);
else {
  const args = ['--disable-warning=ExperimentalWarning', main, ...process.argv.slice(2)];
  const { status, error } = spawnSync(path('../node_modules/.bin/node'), args, { stdio: 'inherit' });
  if (error) process.stderr.write('signalbox: the dependencies are missing, run "npm ci" in its folder\n');
  process.exitCode = status ?? 2;
}
