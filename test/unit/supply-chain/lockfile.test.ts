// An offline audit of what the lockfile can bring into a build.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

interface Entry {
  readonly version?: string;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly license?: string;
  readonly link?: boolean;
  readonly dev?: boolean;
  readonly hasInstallScript?: boolean;
}

const read = (path: string) => JSON.parse(readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8'));
const lockfile = read('package-lock.json') as {
  readonly lockfileVersion: number;
  readonly packages: Readonly<Record<string, Entry>>;
};
const manifest = read('package.json') as Readonly<Record<string, Readonly<Record<string, string>> | undefined>>;
const registry = 'https://registry.npmjs.org/';

/** Permissive, or with terms for their own changed files only (MPL). */
const licenses = [
  'MIT',
  'ISC',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  '0BSD',
  'BlueOak-1.0.0',
  'MPL-2.0',
  'Unlicense',
];
/** Declared in their package.json in a form that npm does not copy. Checked manually. */
const licensesReadByHand: Readonly<Record<string, string>> = { buildcheck: 'MIT', 'cpu-features': 'MIT', ssh2: 'MIT' };
/**
 * Checked manually: three compile an add-on or print a hint, node selects its binary. Images are built without any of
 * them.
 */
const installScripts = ['cpu-features', 'node', 'protobufjs', 'ssh2'];

type Packages = Readonly<Record<string, Entry>>;

/** All problems of a lockfile's packages. */
function faults(packages: Packages): string[] {
  return Object.entries(packages)
    .filter(([place]) => place !== '')
    .flatMap(([place, entry]) => faultsOf(place, entry).map((fault) => `${place}: ${fault}`));
}

function faultsOf(place: string, { version, resolved, integrity, license, link, hasInstallScript }: Entry): string[] {
  const name = place.slice(place.lastIndexOf('node_modules/') + 'node_modules/'.length);
  const options = (licensesReadByHand[name] ?? license ?? '').replace(/[()]/g, '').split(' OR ');
  return [
    ...(link ? ['is a link'] : []),
    ...(/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version ?? '') ? [] : [`has the version ${version}`]),
    ...(/^sha512-[A-Za-z0-9+/]{86}==$/.test(integrity ?? '') ? [] : ['has no SHA-512']),
    // Without an address npm uses the package of this name from its registry.
    ...(resolved === undefined || resolved.startsWith(`${registry}${name}/-/`) ? [] : [`comes from ${resolved}`]),
    ...(options.some((option) => licenses.includes(option)) ? [] : [`has the license ${license}`]),
    ...(hasInstallScript && !installScripts.includes(name) ? ['has an install script'] : []),
  ];
}

const good: Entry = { version: '1.2.3', integrity: `sha512-${'a'.repeat(86)}==`, license: 'MIT' };

describe('the lockfile', () => {
  it('names only packages of one registry, with hashes, known licenses and no unknown install scripts', () => {
    expect(lockfile.lockfileVersion).toBe(3);
    expect(faults(lockfile.packages)).toEqual([]);
  });

  it('matches package.json, which pins exact versions', () => {
    const { '': root } = lockfile.packages as Readonly<Record<string, Entry & typeof manifest>>;
    for (const kind of ['dependencies', 'devDependencies']) {
      expect(root![kind]).toEqual(manifest[kind]);
      for (const [name, version] of Object.entries(manifest[kind]!)) {
        expect(version, name).toMatch(/^\d+\.\d+\.\d+$/);
        expect(lockfile.packages[`node_modules/${name}`]?.version, name).toBe(version);
      }
    }
    for (const kind of ['overrides', 'optionalDependencies', 'peerDependencies', 'bundleDependencies'])
      expect(manifest[kind]).toBeUndefined();
  });

  it('has exact entries only if npm writes it', () => {
    const settings = readFileSync(new URL('../../../.npmrc', import.meta.url), 'utf8');

    expect(settings).toMatch(/^save-exact=true$/m);
    // Everyone who builds would use a registry that is set here.
    expect(settings).not.toMatch(/registry=http|_auth|ignore-scripts=false/);
  });

  it('lists no obsolete install scripts', () => {
    const names = Object.keys(lockfile.packages).map((place) => place.replace(/^.*node_modules\//, ''));
    expect(installScripts.filter((name) => !names.includes(name))).toEqual([]);
  });

  it.each([
    ['has no SHA-512', { integrity: undefined }],
    ['has no SHA-512', { integrity: 'sha1-AAAA' }],
    ['comes from', { resolved: 'http://registry.npmjs.org/evil/-/evil-1.2.3.tgz' }],
    ['comes from', { resolved: 'git+ssh://git@github.com/a/evil.git#0123' }],
    ['comes from', { resolved: 'https://registry.npmjs.org/other/-/other-1.2.3.tgz' }],
    ['is a link', { link: true }],
    ['has the version', { version: '^1.2.3' }],
    ['has the license', { license: 'GPL-3.0' }],
    ['has the license', { license: undefined }],
    ['has an install script', { hasInstallScript: true }],
  ])('rejects a package that %s', (fault, changes) => {
    expect(faults({ 'node_modules/evil': good })).toEqual([]);
    expect(faults({ 'node_modules/evil': { ...good, ...changes } as Entry })).toEqual([expect.stringContaining(fault)]);
  });
});
