// node prune-modules.js <folder>: removes files of installed packages that no program reads: types and their sources,
// source maps, documentation, tests, and what compiles add-ons. Licenses stay.
import { globSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const unused = [
  '**/*.{ts,cts,mts,map,md,markdown,flow,html,yml,h,c,cc,gyp,gypi,inl}',
  '**/{test,tests,__tests__,example,examples,benchmark,benchmarks,bench,docs,.github,.vscode}/',
  '**/.*{ignore,rc}',
  '**/tsconfig*.json',
];
const [folder] = process.argv.slice(2);
const isLicense = (path) => /(^|\/)(licen[sc]e|copying|notice)[^/]*$/i.test(path);
for (const path of globSync(unused, { cwd: folder }))
  if (!isLicense(path)) rmSync(join(folder, path), { recursive: true, force: true });
