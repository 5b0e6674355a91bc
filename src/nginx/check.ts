import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { mountedSecretsFolder, secretsFolder } from '../model/secrets/secret-files.ts';

export interface CheckedFile {
  readonly path: string;
  readonly text: string;
}

/** Returns undefined if nginx accepts the files, otherwise its error message. The first file is the main one. */
export type Check = (files: readonly CheckedFile[]) => Promise<string | undefined>;

const TIMEOUT_MS = 60_000;
const MAX_COMPLAINT_LENGTH = 500;

/** The same for an environment without secrets. */
export async function checkWithoutSecrets(files: readonly CheckedFile[]): Promise<string | undefined> {
  return checkWithNginx(files.map(({ path, text }) => ({ path, text: readAtHandshake(text) })));
}

const SECRET_FOLDERS = [mountedSecretsFolder, secretsFolder];

/** Makes nginx read certificates at the handshake, by a variable in their path, instead of when it loads the files. */
export function readAtHandshake(text: string): string {
  let changed = text;
  for (const directive of [' ssl_certificate', ' ssl_certificate_key'])
    for (const folder of SECRET_FOLDERS)
      changed = changed.replaceAll(`${directive} ${folder}/`, () => `${directive} $secrets/`);
  return changed;
}

/** Tests the files with the real nginx, in a temporary folder. */
export async function checkWithNginx(files: readonly CheckedFile[]): Promise<string | undefined> {
  const folder = await mkdtemp(join(tmpdir(), 'check-'));
  try {
    for (const { path, text } of files) await writeFile(join(folder, path), text);
    return await testConfiguration(join(folder, files[0]!.path));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * Returns undefined if nginx accepts the file, otherwise its error message. nginx writes the message to a file: it opens /dev/stdout and /dev/stderr
 * by name, which fails on the sockets that Node would pass to it.
 */
export async function testConfiguration(path: string): Promise<string | undefined> {
  const folder = dirname(path);
  const outputPath = join(folder, 'complaint');
  await using output = await open(outputPath, 'w');
  const child = spawn('nginx', ['-t', '-q', '-c', path], {
    stdio: ['ignore', output.fd, output.fd],
    timeout: TIMEOUT_MS,
  });
  const [code, signal] = await once(child, 'exit');
  if (signal !== null) throw new Error(`nginx was killed by ${signal} while testing a configuration`);
  return code === 0 ? undefined : shorten(await readFile(outputPath, 'utf8'), folder);
}

/** The first error message, without time and process ID, which differ between runs. */
function shorten(complaint: string, folder: string): string {
  const lines = complaint.split('\n').filter((line) => /\[emerg\]/.test(line));
  const text = (lines[0] ?? complaint).replace(/^.*\[emerg\] \d+#\d+: /, '').replaceAll(`${folder}/`, '');
  return text.trim().slice(0, MAX_COMPLAINT_LENGTH);
}
