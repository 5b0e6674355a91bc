// The contents of our images: nothing unused, and a complete bill of materials.

import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { ownerFlags } from '../../bed/owner.ts';
import { desiredProxy } from '../../src/model/own-services/owned-service.ts';
import { parseSettings } from '../../src/model/settings/settings.ts';
import { proxyImage } from '../support/proxy-image.ts';

const run = promisify(execFile);

interface Listed {
  readonly mode: string;
  readonly owner: string;
  readonly path: string;
}

interface Component {
  readonly type: string;
  readonly name: string;
  readonly version: string;
  readonly purl: string;
  readonly hashes?: readonly { readonly alg: string; readonly content: string }[];
}

interface Bom {
  readonly bomFormat: string;
  readonly specVersion: string;
  readonly metadata: { readonly component: { readonly name: string } };
  readonly components: readonly Component[];
}

interface Image {
  readonly tag: string;
  readonly files: readonly Listed[];
  readonly bom: Bom;
}

/** From a container that is never started. */
async function open(image: string): Promise<Image> {
  const { stdout } = await run('docker', ['create', ...ownerFlags(), image]);
  const id = stdout.trim();
  const shell = async (command: string) => (await run('sh', ['-c', command, 'sh', id], { maxBuffer: 2 ** 28 })).stdout;
  try {
    const listing = await shell('docker export "$1" | tar --numeric-owner -tvf -');
    const bom = await shell('docker cp "$1":/usr/share/sbom/image.cdx.json - | tar -xOf -');
    return { tag: image, files: listing.trim().split('\n').map(toListed), bom: JSON.parse(bom) };
  } finally {
    await run('docker', ['rm', id]);
  }
}

function toListed(line: string): Listed {
  const [mode = '', owner = '', , , , ...name] = line.split(/\s+/);
  return { mode, owner, path: `/${name.join(' ').replace(/ -> .*$/, '')}` };
}

const basics = ['node'];
const expectedPrograms: Readonly<Record<string, readonly string[]>> = {
  controller: [...basics, 'cat', 'env', 'signalbox'],
  extension: [...basics, 'env', 'nginx', 'signalbox'],
  proxy: [...basics, 'cat', 'curl', 'dash', 'date', 'grep', 'mkdir', 'nginx', 'prepare-material', 'rm', 'sh', 'stat'],
  demo: [...basics, 'bash'],
};

/** Measured with Debian's nginx: docs/performance.md. The official one has more modules, and releases grow. */
const maximumMegabytes: Readonly<Record<string, number>> = { controller: 150, extension: 185, proxy: 180, demo: 135 };

describe.each(Object.entries(expectedPrograms))('the image signalbox/%s', (name, programs) => {
  let image: Image;

  beforeAll(async () => {
    image = await open((await proxyImage()).replace('signalbox/proxy', `signalbox/${name}`));
  });

  it('has no setuid or setgid file', () => {
    expect(image.files.length).toBeGreaterThan(30);
    expect(image.files.filter(({ mode }) => /s/i.test(mode.slice(1)))).toEqual([]);
  });

  it('has a health check, unless the controller sets one for it', async () => {
    const { stdout } = await run('docker', ['image', 'inspect', '--format', '{{json .Config.Healthcheck}}', image.tag]);
    const [kind, program, ...script] = (JSON.parse(stdout)?.Test ?? []) as string[];

    if (name === 'proxy') return expect(kind).toBeUndefined();
    expect(kind).toBe('CMD');
    expect(programs).toContain(program);
    expect(image.files.map(({ path }) => path)).toEqual(
      expect.arrayContaining(script.map((path) => resolve('/app', path))),
    );
  });

  it('has the programs that are used, and no others', () => {
    const folders = /^\/(usr\/(local\/)?)?s?bin\/([^/]+)$/;
    const found = image.files.flatMap(({ path }) => folders.exec(path)?.[3] ?? []);

    expect(found.toSorted()).toEqual(programs.toSorted());
    const paths = image.files.map(({ path }) => path).join('\n');
    expect(paths).not.toMatch(/\/(apt|npm|corepack|yarn|perl5?|python3?|pip)\//);
    expect(paths).not.toMatch(/^\/(usr\/)?lib\/(apt|dpkg|git-core)/m);
  });

  it('has no files of packages that no program reads', () => {
    const paths = image.files.map(({ path }) => path).filter((path) => path.startsWith('/app/node_modules/'));

    expect(paths.filter((path) => /\.(ts|cts|mts|map|md|h|cc?)$/.test(path) && !/licen[sc]e/i.test(path))).toEqual([]);
  });

  it('has a small size', async () => {
    const { stdout } = await run('docker', ['image', 'inspect', '--format', '{{.Size}}', image.tag]);

    expect(Number(stdout) / 1e6).toBeLessThan(maximumMegabytes[name]!);
  });

  it('has only world-writable folders that are tmpfs in a task', () => {
    const open = image.files.filter(({ mode }) => mode[8] === 'w' && !mode.startsWith('l')).map(({ path }) => path);

    expect(open.map((path) => path.replace(/\/$/, '')).toSorted()).toEqual(['/tmp', '/var/tmp']);
    // Files belong to root: no task runs as the owner of its programs.
    const others = image.files.filter(({ owner, path }) => owner !== '0/0' && !/^\/var\/(lib|cache|log)\//.test(path));
    expect(others).toEqual([]);
  });

  it('lists its contents in its bill of materials', () => {
    const { bom, files } = image;
    expect(bom).toMatchObject({ bomFormat: 'CycloneDX', specVersion: '1.6' });
    expect(bom.metadata.component.name).toBe(`signalbox/${name}`);
    const purls = bom.components.map(({ purl }) => purl);
    expect(new Set(purls).size).toBe(purls.length);
    expect(purls).toContain(`pkg:generic/node@${/node@(.*)/.exec(purls.join('\n'))![1]}`);
    for (const { version, purl } of bom.components) {
      expect(version).toMatch(/\d/);
      expect(purl).toMatch(/^pkg:(deb|npm|generic)\//);
    }

    // Exactly the installed npm packages.
    const installed = files.flatMap(
      ({ path }) => /\/node_modules\/((@[^/]+\/)?[^/@][^/]*)\/package\.json$/.exec(path)?.[1] ?? [],
    );
    const listed = bom.components.filter(({ purl }) => purl.startsWith('pkg:npm/'));
    const bundled = name === 'controller' ? ['preact'] : [];
    const names = new Set(listed.map((component) => component.name));
    expect([...bundled, ...installed].filter((one) => !names.has(one))).toEqual([]);
    for (const { name, hashes } of listed) expect(hashes?.[0]?.content, name).toMatch(/^[0-9a-f]{128}$/);

    // Scanners detect Debian packages by these.
    const status = files.flatMap(({ path }) => /^\/var\/lib\/dpkg\/status\.d\/(.+)$/.exec(path)?.[1] ?? []);
    const debian = bom.components.filter(({ purl }) => purl.startsWith('pkg:deb/')).map((component) => component.name);
    expect(debian.toSorted()).toEqual(status.toSorted());
    expect(debian).toContain('libc6');
    // The official images additionally have Debian packages with nginx.org's nginx under one of these names.
    if (['extension', 'proxy'].includes(name)) expect(debian).toContain('nginx');
  });
});

it('the proxy image has every program that its scripts call', async () => {
  const [cluster] = parseSettings({}, '1').settings.clusters;
  const attachments = { version: '0123456789abcdef', configs: [], secrets: [], networkIds: [] };
  const { health } = desiredProxy(cluster!, [], attachments);
  const script = readFileSync(new URL('../../docker/proxy/prepare-material', import.meta.url), 'utf8');
  // Words in command position, without comments, quoted or written text, and arithmetic.
  const text = `${health.command}\n${script}`
    .replaceAll(/^\s*#.*$/gm, '')
    .replaceAll(/'[^']*'/g, '')
    .replaceAll(/echo "[^"]*"/g, 'echo')
    .replaceAll('$((', '');
  const called = [...text.matchAll(/(?:^|[|&;({]|\$\(|\bif|\bthen|\bdo|\belse)\s*([a-z]+)(?=[\s;)])/gm)].map(
    ([, name]) => name!,
  );
  const checks = [...new Set(called)].map((name) => `command -v ${name} >/dev/null || echo ${name}`).join('\n');
  const { stdout } = await run('docker', [
    'run',
    ...ownerFlags(),
    '--rm',
    '--entrypoint',
    'sh',
    await proxyImage(),
    '-c',
    checks,
  ]);

  expect(called).toEqual(expect.arrayContaining(['curl', 'grep', 'stat', 'date', 'mkdir', 'nginx']));
  // Stock images have one or the other.
  expect(
    stdout.split('\n').filter((name) => !['', 'wget', 'describe', 'accepts', 'sift', 'prepare'].includes(name)),
  ).toEqual([]);
});
