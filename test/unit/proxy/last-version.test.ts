import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { StoredVersion } from '../../../src/model/version.ts';
import { lastVersionIn } from '../../../src/proxy/last-version.ts';

/** Stored unchanged. The signature is checked when the version is used. */
const seal = { certificate: 'of the extension', signature: 'of the version' };

let root: string;
let folder: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'last-'));
  folder = join(root, 'volume');
});
afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

/** A version in the agent's folder. */
function aVersion(version: string, texts: Readonly<Record<string, string>>): StoredVersion {
  const own = join(root, `v-${version}`);
  mkdirSync(own, { recursive: true });
  const files = Object.entries(texts).map(([path, text]) => {
    writeFileSync(join(own, path), text);
    return { path, digest: `digest of ${text}`, at: join(own, path) };
  });
  return { version, files, seal };
}

async function textsOf(boot: string): Promise<object | undefined> {
  const last = await lastVersionIn(folder, boot).read();
  const texts = last?.files.map(({ path, digest, at }) => {
    const text = readFileSync(at, 'utf8');
    expect(digest).toBe(`digest of ${text}`);
    return [path, text];
  });
  return last && { version: last.version, ...Object.fromEntries(texts!) };
}

/** The file system's clock is coarse. */
function age(seconds: number): void {
  for (const name of readdirSync(folder)) {
    const at = statSync(join(folder, name)).mtimeMs / 1000 - seconds;
    utimesSync(join(folder, name), at, at);
  }
}

it('the last version is read as it was written, even after its source files are gone', async () => {
  const one = aVersion('1', { 'nginx.conf': 'main', 'a.conf': 'a' });
  await lastVersionIn(folder, 'boot').write(one);
  rmSync(join(root, 'v-1'), { recursive: true });

  expect(await textsOf('boot')).toEqual({ version: '1', 'nginx.conf': 'main', 'a.conf': 'a' });
  expect(await textsOf('other')).toBeUndefined();
});

it('the last version replaces the previous one, and shares identical files with it', async () => {
  const last = lastVersionIn(folder, 'boot');
  await last.write(aVersion('1', { 'nginx.conf': 'main', 'a.conf': 'a' }));
  age(10);
  const before = (await last.read())!.files[1]!;
  const inode = statSync(before.at).ino;

  await last.write(aVersion('2', { 'nginx.conf': 'other', 'b.conf': 'a' }));

  expect(await textsOf('boot')).toEqual({ version: '2', 'nginx.conf': 'other', 'b.conf': 'a' });
  expect(statSync((await last.read())!.files[1]!.at).ino).toBe(inode);
  expect(readdirSync(folder)).toEqual(['boot-2']);
});

it('the last version may be one that another task has written, or the one before the last', async () => {
  const last = lastVersionIn(folder, 'boot');
  const one = aVersion('1', { 'nginx.conf': 'main' });
  await last.write(one);
  age(10);
  await lastVersionIn(folder, 'boot').write(one);

  expect(await textsOf('boot')).toEqual({ version: '1', 'nginx.conf': 'main' });
  expect(Date.now() - statSync(join(folder, 'boot-1')).mtimeMs).toBeLessThan(5000);
  expect(readdirSync(folder)).toEqual(['boot-1']);
});

it('the last version is kept for the last four specifications, beside the one being written, and all others are removed', async () => {
  mkdirSync(join(folder, 'draft-new'), { recursive: true });
  mkdirSync(join(folder, 'draft-old'));
  writeFileSync(join(folder, 'boot0.json'), '{}');
  age(0);
  const aged = Date.now() / 1000 - 4000;
  utimesSync(join(folder, 'draft-old'), aged, aged);
  for (const boot of ['a', 'b', 'c', 'd', 'e']) {
    await lastVersionIn(folder, boot).write(aVersion('1', { 'nginx.conf': boot }));
    age(10);
  }

  expect(readdirSync(folder).toSorted()).toEqual(['b-1', 'c-1', 'd-1', 'draft-new', 'e-1']);
});

it('the last version stays the previous one if the new one cannot be written completely', async () => {
  const last = lastVersionIn(folder, 'boot');
  await last.write(aVersion('1', { 'nginx.conf': 'main' }));
  const broken = aVersion('2', { 'nginx.conf': 'other', 'a.conf': 'a' });
  rmSync(broken.files[1]!.at);

  await last.write(broken);

  expect(await textsOf('boot')).toEqual({ version: '1', 'nginx.conf': 'main' });
  expect(readdirSync(folder)).toEqual(['boot-1']);
});

it('the last version is undefined if the folder does not exist and cannot be created', async () => {
  writeFileSync(join(root, 'volume'), 'a file');

  await lastVersionIn(folder, 'boot').write(aVersion('1', { 'nginx.conf': 'main' }));

  expect(await textsOf('boot')).toBeUndefined();
});
