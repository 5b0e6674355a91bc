import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { secretsPath, writeSecretsFile } from '../../../../src/model/secrets/secret-files.ts';
import { encrypt, generateKeyPair, type KeyPair } from '../../../../src/protocol/encryption.ts';
import { SecretStore } from '../../../../src/proxy/nginx/secret-store.ts';

let root: string;
let keys: KeyPair;
let prepared: string[];
let failed: string[];

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'secrets-'));
  keys = await generateKeyPair();
  [prepared, failed] = [[], []];
});
afterEach(() => rm(root, { recursive: true, force: true }));

const openStore = () =>
  new SecretStore({
    folder: join(root, 'secrets'),
    cluster: 'default',
    privateKey: keys.privateKey,
    prepare: async (names) => void prepared.push(...names),
    onFailure: (file) => failed.push(file),
  });

/** A version with these secrets, in files of at most two. */
async function aVersion(name: string, contents: Readonly<Record<string, string>>, publicKey = keys.publicKey) {
  const folder = join(root, name);
  await mkdir(folder);
  const secrets = await Promise.all(
    Object.entries(contents).map(async ([file, content]) => ({
      file,
      ciphertext: await encrypt(publicKey, { cluster: 'default', file }, Buffer.from(content)),
    })),
  );
  for (let at = 0; at < secrets.length; at += 2)
    await writeFile(join(folder, secretsPath(at / 2)), writeSecretsFile(secrets.slice(at, at + 2)));
  await writeFile(join(folder, 'nginx.conf'), '# no secrets');
  return folder;
}

const names = () => readdir(join(root, 'secrets'));
const read = (name: string) => readFile(join(root, 'secrets', name), 'utf8');

describe('the secrets of a version', () => {
  it('are decrypted into files that only nginx can read', async () => {
    await openStore().unlock(await aVersion('v-1', { 'a.1': 'first', 'b.1': 'second', 'c.1': 'third' }));

    expect(await read('a.1')).toBe('first');
    expect(await read('c.1')).toBe('third');
    expect((await stat(join(root, 'secrets/a.1'))).mode & 0o777).toBe(0o400);
    expect(prepared).toEqual(['a.1', 'b.1', 'c.1']);
  });

  it('are decrypted once', async () => {
    const store = openStore();
    await store.unlock(await aVersion('v-1', { 'a.1': 'first' }));
    const before = await stat(join(root, 'secrets/a.1'));
    await store.unlock(await aVersion('v-2', { 'a.1': 'first', 'a.2': 'renewed' }));

    expect((await stat(join(root, 'secrets/a.1'))).ino).toBe(before.ino);
    expect(prepared).toEqual(['a.1', 'a.2']);
  });

  it('are removed once no kept version names them', async () => {
    const store = openStore();
    const [first, second] = [await aVersion('v-1', { 'a.1': 'x' }), await aVersion('v-2', { 'a.2': 'y', 'b.1': 'z' })];
    await store.unlock(first);
    await store.unlock(second);

    await store.keepOnly([first, second]);
    expect(await names()).toEqual(['a.1', 'a.2', 'b.1']);
    await store.keepOnly([second]);
    expect(await names()).toEqual(['a.2', 'b.1']);
  });

  it('leave out one that was encrypted for another key, and keep the others', async () => {
    const { publicKey } = await generateKeyPair();
    const store = openStore();
    await store.unlock(await aVersion('v-1', { 'a.1': 'theirs' }, publicKey));
    await store.unlock(await aVersion('v-2', { 'b.1': 'ours' }));

    expect(await names()).toEqual(['b.1']);
    expect(failed).toEqual(['a.1']);
  });

  it.each([
    '[{"file":"../x","ciphertext":"AAAA"}]',
    '[{"file":"x"}]',
    '{}',
    '[{"file":"x","ciphertext":"{{"}]',
    'no JSON',
  ])('are ignored if their file is not valid: %s', async (text) => {
    const folder = await aVersion('v-1', {});
    await writeFile(join(folder, secretsPath(0)), text);
    await openStore().unlock(folder);

    expect(await names().catch(() => [])).toEqual([]);
  });
});
