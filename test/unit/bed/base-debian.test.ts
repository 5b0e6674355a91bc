import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';

const script = new URL('../../../bed/base-debian.sh', import.meta.url).pathname;
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'debian-'));
  for (const name of ['debootstrap', 'gpgv', 'apt-get', 'docker'])
    program(name, `echo "$0 $*" >>${folder}/calls; exit 1`);
});
afterEach(() => rmSync(folder, { recursive: true }));

function program(name: string, text: string): void {
  writeFileSync(join(folder, name), `#!/bin/sh\n${text}\n`);
  chmodSync(join(folder, name), 0o755);
}

function make(keyring: string) {
  const env = { ...process.env, PATH: `${folder}:${process.env.PATH}`, TMPDIR: folder, DEBIAN_KEYRING: keyring };
  const { status, stderr } = spawnSync(script, ['forky', 'test/tag'], { env, encoding: 'utf8' });
  const calls = existsSync(join(folder, 'calls')) ? readFileSync(join(folder, 'calls'), 'utf8') : '';
  return { status, stderr, calls };
}

it('does not run debootstrap without a keyring', () => {
  // apt-get pretends to have installed one.
  program('apt-get', 'exit 0');
  const { status, stderr, calls } = make(join(folder, 'missing.gpg'));

  expect(status).toBe(1);
  expect(stderr).toContain('keyring');
  expect(calls).not.toContain('debootstrap');
});

it('makes debootstrap check signatures with the keyring', () => {
  const keyring = join(folder, 'keyring.gpg');
  writeFileSync(keyring, 'keys');
  const { status, calls } = make(keyring);

  expect(status).not.toBe(0);
  expect(calls).toMatch(new RegExp(`debootstrap .*--keyring=${keyring} --force-check-gpg `));
});
