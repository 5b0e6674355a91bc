import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { project } from '../../bed/places.ts';

/**
 * The folders that each folder of `src` may import from, besides itself. Programs do not import each other; the pure
 * folders reach neither the network nor files.
 */
const allowed: Readonly<Record<string, readonly string[]>> = {
  lib: [],
  model: ['lib'],
  compose: ['lib', 'model'],
  convert: ['compose', 'lib', 'model'],
  'nginx-text': ['lib', 'model'],
  render: ['lib', 'model', 'nginx-text'],
  schemas: ['lib', 'model'],
  'try-request': ['lib', 'model'],
  nginx: ['lib', 'model'],
  'template-folder': ['render'],
  protocol: ['lib', 'model'],
  'tls-material': ['lib', 'model'],
  controller: ['lib', 'model', 'nginx-text', 'protocol', 'try-request'],
  acme: ['lib', 'model', 'protocol'],
  extension: ['lib', 'model', 'nginx', 'protocol', 'render', 'template-folder'],
  proxy: ['lib', 'model', 'nginx', 'nginx-text', 'protocol', 'tls-material'],
  'admin-relay': ['lib', 'model', 'protocol'],
  'secret-reader': ['lib', 'model', 'protocol', 'tls-material'],
  'health-check': ['lib', 'model'],
  cli: ['compose', 'convert', 'lib', 'model', 'render', 'schemas', 'template-folder', 'try-request'],
  ui: ['lib', 'model'],
};

/** The command line and the page call the administration API: they share its types with the controller. */
const alsoAllowed: readonly (readonly [folder: string, imported: string])[] = [
  ['cli', 'controller/admin'],
  ['ui', 'controller/admin'],
  // Served beside the page.
  ['ui', '../docs/problems.md?url'],
];

/** Folders inside a program with rules of their own: all that they may import, besides themselves. */
const stricter: Readonly<Record<string, readonly string[]>> = {
  'controller/plan': ['lib', 'model', 'nginx-text'],
  'controller/observe': ['lib', 'model', 'controller/plan', 'controller/ports.ts'],
  'controller/apply': ['lib', 'model', 'nginx-text', 'controller/plan', 'controller/ports.ts'],
  'controller/docker': ['lib', 'model', 'controller/ports.ts', 'controller/acme/ports.ts'],
  'controller/reconcile': [
    'lib',
    'model',
    'nginx-text',
    'controller/apply',
    'controller/observe',
    'controller/plan',
    'controller/ports.ts',
  ],
  'controller/admin': [
    'lib',
    'model',
    'nginx-text',
    'protocol',
    'controller/acme/acme-task.ts',
    'controller/docker/engine-facts.ts',
    'controller/docker/task-lines.ts',
    'controller/doctor-probes.ts',
    'controller/observe/timeline.ts',
    'controller/plan',
    'controller/ports.ts',
    'controller/reconcile',
    'try-request',
  ],
  'controller/acme': [
    'lib',
    'model',
    'protocol',
    'controller/ports.ts',
    'controller/reconcile/status.ts',
    'controller/renewed-identity.ts',
  ],
  'controller/webhooks': ['lib', 'model', 'controller/reconcile/status.ts'],
  'controller/traffic': [
    'lib',
    'model',
    'protocol',
    'controller/admin/traffic.ts',
    'controller/admin/traffic-route.ts',
    'controller/extension-channel.ts',
    'controller/ports.ts',
    'controller/reconcile/status.ts',
  ],
};

const pure = ['model', 'compose', 'convert', 'nginx-text', 'render', 'schemas', 'controller/plan'];

interface Import {
  readonly from: string;
  readonly specifier: string;
}

const src = join(project, 'src');

function importsOf(file: string): Import[] {
  const text = readFileSync(join(src, file), 'utf8');
  const found = text.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*'([^']+)'/g);
  return [...found].map(([, specifier]) => ({ from: file, specifier: specifier! }));
}

const folderOf = (path: string): string => path.split('/')[0]!;
const files = globSync('**/*.{ts,tsx}', { cwd: src }).toSorted();
const imports = files.flatMap(importsOf);

const isIn = (folder: string, path: string) => path === folder || path.startsWith(`${folder}/`);

function isAllowed({ from, specifier }: Import): boolean {
  if (!specifier.startsWith('.')) return true;
  const to = join(dirname(from), specifier);
  const strict = Object.keys(stricter).find((name) => isIn(name, from));
  if (strict !== undefined) return [strict, ...stricter[strict]!].some((name) => isIn(name, to));
  const folder = folderOf(from);
  if (folderOf(to) === folder || allowed[folder]?.includes(folderOf(to))) return true;
  return alsoAllowed.some(([importer, imported]) => importer === folder && isIn(imported, to));
}

describe('the folders of src', () => {
  it('are all known, and contain every file', () => {
    expect([...new Set(files.map(folderOf))].toSorted()).toEqual(Object.keys(allowed).toSorted());
  });

  it('each have a README', () => {
    for (const folder of [...Object.keys(allowed), ...Object.keys(stricter), 'proxy/nginx', 'model/features'])
      expect(existsSync(join(src, folder, 'README.md')), folder).toBe(true);
  });

  it('import only from the folders that the allow-list names', () => {
    const forbidden = imports.filter((found) => !isAllowed(found));
    expect(forbidden.map(({ from, specifier }) => `${from} → ${specifier}`)).toEqual([]);
  });

  it.each(pure)('%s is pure: it imports nothing of Node', (folder) => {
    const ofNode = imports.filter(({ from, specifier }) => isIn(folder, from) && /^node:/.test(specifier));
    expect(ofNode.map(({ from, specifier }) => `${from} → ${specifier}`)).toEqual([]);
  });

  it.each(pure)('%s is pure: it uses no clock, process or network', (folder) => {
    const lines = files
      .filter((file) => isIn(folder, file))
      .flatMap((file) =>
        readFileSync(join(src, file), 'utf8')
          .split('\n')
          .map((line) => `${file}: ${line.trim()}`),
      );

    expect(lines.filter((line) => /\bDate\.now\b|\bprocess\.\w|\bfetch\(/.test(line))).toEqual([]);
  });

  it('use the Docker API in one folder only', () => {
    const users = imports.filter(({ specifier }) => specifier === 'dockerode').map(({ from }) => dirname(from));
    expect([...new Set(users)]).toEqual(['controller/docker']);
  });

  it('know nothing of the bed', () => {
    expect(imports.filter(({ specifier }) => /\/(bed|test|bench)\//.test(specifier))).toEqual([]);
  });
});

/** Otherwise it depends on the order of other imports whether a program starts. */
it.each(files.filter((file) => importsOf(file).some(({ specifier }) => specifier === '@peculiar/x509')))(
  '%s loads reflect-metadata before the package that requires it',
  (file) => {
    const text = readFileSync(join(src, file), 'utf8');

    expect(text.startsWith("import 'reflect-metadata';\n")).toBe(true);
  },
);
