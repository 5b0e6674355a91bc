import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { versionDigest, versionFault } from '../../../../src/model/version-digest.ts';
import { NginxRun, type NginxRunOptions } from '../../../../src/proxy/nginx/run.ts';

let root: string;

/** Replaces nginx: it has only the secret `there`, and keeps what it was started with. */
const nginx = `#!/bin/sh
for path; do :; done
case $1 in
  -t) ! grep -q 'ssl_certificate /run/secrets/gone;' "$path" || { echo '[emerg] 1#1: cannot load'; exit 1; } ;;
  *) cat "$path" >"${'$'}{0%/*}/started" ;;
esac
`;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'run-'));
  for (const name of ['bin', 'etc', 'own']) mkdirSync(join(root, name));
  writeFileSync(join(root, 'bin/nginx'), nginx);
  chmodSync(join(root, 'bin/nginx'), 0o755);
  vi.stubEnv('PATH', `${join(root, 'bin')}:${process.env.PATH}`);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(root, { recursive: true, force: true });
});

const pair = (folder: string, name: string) =>
  `        ssl_certificate ${folder}/${name};\n        ssl_certificate_key ${folder}/${name};\n`;

async function startMounted(text: string): Promise<string> {
  const mountedPath = join(root, 'etc/nginx.conf');
  writeFileSync(mountedPath, text);
  const run = new NginxRun({
    command: ['nginx', '-g', 'daemon off;'],
    mountedPath,
    folder: join(root, 'own'),
    startNameRelay: async () => {},
  });
  await run.start(undefined, new AbortController().signal);
  expect(await run.exited()).toBe(0);
  expect(readFileSync(mountedPath, 'utf8')).toBe(text);
  return readFileSync(join(root, 'bin/started'), 'utf8');
}

it('starts with the version that the task was started for, unchanged', async () => {
  const text = pair('/run/secrets', 'there') + pair('$secrets', 'other');

  expect(await startMounted(text)).toBe(text);
});

it('makes nginx read certificates at the handshake if the task lacks those that nginx would read at the start', async () => {
  const text = pair('/run/secrets', 'there') + pair('/run/secrets', 'gone');

  expect(await startMounted(text)).toBe(pair('$secrets', 'there') + pair('$secrets', 'gone'));
});

describe('a version', () => {
  const file = (path: string, text: string) => ({ path, digest: `digest of ${text}`, text });
  const brief = (path: string, text: string) => ({ path, digest: `digest of ${text}` });
  const first = { version: 'one', files: [file('nginx.conf', 'main'), file('a.conf', 'a'), file('b.conf', 'b')] };

  async function started(): Promise<NginxRun> {
    const run = new NginxRun({
      command: ['nginx'],
      mountedPath: '',
      folder: join(root, 'own'),
      startNameRelay: async () => {},
    });
    await run.start(first, new AbortController().signal);
    return run;
  }

  const textOf = (path: string) => readFileSync(join(root, 'own', path), 'utf8');
  /** The version last applied to nginx, with the content in its place. */
  const readStored = ({ stored }: NginxRun) => ({
    ...stored,
    files: stored?.files.map(({ at, ...rest }) => ({ ...rest, text: readFileSync(at, 'utf8') })),
  });

  it('reports the digests of its files, and is stored where it was applied', async () => {
    const run = await started();

    expect(run.known).toEqual(['digest of main', 'digest of a', 'digest of b']);
    expect(readStored(run)).toEqual(first);
  });

  it('in another place is adopted: then nginx starts with it, or with one that builds on it', async () => {
    const elsewhere = first.files.map(({ path, digest, text }) => {
      const at = join(root, 'etc', path);
      writeFileSync(at, text);
      return { path, digest, at };
    });
    const run = new NginxRun({
      command: ['nginx'],
      mountedPath: '',
      folder: join(root, 'own'),
      startNameRelay: async () => {},
    });

    await run.adopt({ version: 'one', files: elsewhere });
    rmSync(join(root, 'etc'), { recursive: true });
    expect(run.known).toEqual(['digest of main', 'digest of a', 'digest of b']);
    const second = { version: 'two', files: [file('nginx.conf', 'other'), brief('a.conf', 'a')] };
    expect(await run.test(second)).toBeUndefined();
    const same = { version: 'one', files: first.files.map(({ path, text }) => brief(path, text)) };
    await run.start(same, new AbortController().signal);

    expect(['v-two/nginx.conf', 'v-two/a.conf'].map(textOf)).toEqual(['other', 'a']);
    expect(readStored(run)).toEqual(first);
  });

  it('in another place that others can write to is not adopted if its content does not match its digests', async () => {
    const text = 'events {} # @version@';
    const version = versionDigest('default', text, []);
    const at = join(root, 'etc', 'nginx.conf');
    const stored = { version, files: [{ path: 'nginx.conf', digest: version, at }] };
    const faultOf: NonNullable<NginxRunOptions['faultOf']> = (...of) => versionFault('default', ...of);
    const folder = join(root, 'own');
    const run = new NginxRun({ command: ['nginx'], mountedPath: '', folder, faultOf, startNameRelay: async () => {} });

    writeFileSync(at, `events {} # ${version} load_module evil;`);
    await expect(run.adopt(stored)).rejects.toThrow('does not match its digest');
    expect(run.known).toEqual([]);
    writeFileSync(at, text.replace('@version@', version));
    await run.adopt(stored);
    expect(run.known).toEqual([version]);
  });

  it.each(['../../etc/one', 'one/two', ''])('cannot have the name %j', async (version) => {
    const run = await started();

    await expect(run.test({ ...first, version })).rejects.toThrow('is not a valid file name');
  });

  it('takes files without content from the previous version', async () => {
    const run = await started();
    const second = {
      version: 'two',
      files: [file('nginx.conf', 'other'), brief('a.conf', 'a'), file('b.conf', 'new')],
    };

    expect(await run.test(second)).toBeUndefined();

    expect(['v-two/nginx.conf', 'v-two/a.conf', 'v-two/b.conf'].map(textOf)).toEqual(['other', 'a', 'new']);
    expect(readStored(run)).toEqual(first);
  });

  it('is rejected if an omitted file does not exist here', async () => {
    const run = await started();

    const second = { version: 'two', files: [file('nginx.conf', 'other'), brief('c.conf', 'c')] };
    await expect(run.test(second)).rejects.toThrow('The content of c.conf is missing');
  });
});

describe('the relay for names with upper-case letters', () => {
  const relayed = 'upstream a { resolver 127.0.0.1:10248 valid=1s ipv6=off; }';
  const file = (path: string, text: string) => ({ path, digest: `digest of ${text}`, text });
  const version = (name: string, ...texts: readonly string[]) => ({
    version: name,
    files: texts.map((text, position) => file(position === 0 ? 'nginx.conf' : `part-${position}.conf`, text)),
  });
  const signal = () => new AbortController().signal;

  /** Whether nginx has been started, at each call. */
  function aRun() {
    const starts: boolean[] = [];
    const startNameRelay = async () => {
      starts.push(existsSync(join(root, 'bin/started')));
    };
    const mountedPath = join(root, 'etc/nginx.conf');
    const run = new NginxRun({ command: ['nginx'], mountedPath, folder: join(root, 'own'), startNameRelay });
    return { run, starts, mountedPath };
  }

  it('is not started for a configuration without such names', async () => {
    const { run, starts } = aRun();
    await run.start(version('one', 'main', 'part'), signal());
    expect(starts).toEqual([]);
  });

  it.each([
    ['the main file', [relayed]],
    ['another file', ['main', relayed]],
  ])('is started before nginx, for names in %s', async (_, texts) => {
    const { run, starts } = aRun();
    await run.start(version('one', ...texts), signal());
    await run.exited();
    expect(starts).toEqual([false]);
  });

  it('is started for the configuration that Swarm mounted', async () => {
    const { run, starts, mountedPath } = aRun();
    writeFileSync(mountedPath, relayed);
    await run.start(undefined, signal());
    expect(starts).toEqual([false]);
  });

  it('is started before a reload that needs it, and stays for later ones', async () => {
    const { run, starts } = aRun();
    await run.start(version('one', 'main'), signal());
    // The replacement has ended, so nothing serves the version.
    const reload = (...texts: readonly string[]) =>
      run
        .reload(version(`of ${texts.length}`.replace(' ', '-'), ...texts), () => {}, AbortSignal.abort())
        .catch(() => {});
    await reload('main', 'part');
    expect(starts).toHaveLength(0);
    await reload('main', 'part', relayed);
    expect(starts).toHaveLength(1);
  });

  it('is started for files that existed before', async () => {
    const { run, starts } = aRun();
    const at = join(root, 'etc/part-1.conf');
    writeFileSync(at, relayed);
    await run.adopt({ version: 'one', files: [{ path: 'part-1.conf', digest: `digest of ${relayed}`, at }] });
    await run.start(version('two', 'main'), signal());
    expect(starts).toHaveLength(1);
  });
});

it('does not test nginx if no certificate would be read at the start', async () => {
  await startMounted(pair('$secrets', 'gone'));

  expect(existsSync(join(root, 'own/mounted/complaint'))).toBe(false);
});
