import { mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { MAIN_FILE } from '../../model/proxy-places.ts';
import { readAtHandshake, testConfiguration } from '../../nginx/check.ts';
import { configurationsIn } from './configurations.ts';
import type { SecretStore } from './secret-store.ts';

export interface MountedVersionOptions {
  /** Where Swarm mounts the configuration that the task was started for. */
  readonly mountedPath: string;
  /** A folder used only by this process. */
  readonly folder: string;
  readonly secrets?: Pick<SecretStore, 'unlock'> | undefined;
}

/**
 * A version from the history may name certificates that this task does not have. They are then read at the handshake, so only the handshakes of
 * their own hosts fail. Resolves to the folder with the files.
 */
export async function openMounted(options: MountedVersionOptions): Promise<string> {
  const folder = await linkMounted(options);
  await options.secrets?.unlock(folder);
  const changed: string[] = [];
  for await (const { path, text } of configurationsIn(folder)) if (readAtHandshake(text) !== text) changed.push(path);
  if (changed.length === 0 || (await testConfiguration(join(folder, MAIN_FILE))) === undefined) return folder;
  for (const path of changed) {
    const text = await readFile(path, 'utf8');
    await rm(path);
    await writeFile(path, readAtHandshake(text));
  }
  return folder;
}

/** Files mounted next to the main file belong to it. */
async function linkMounted({ mountedPath, folder }: MountedVersionOptions): Promise<string> {
  const target = join(folder, 'mounted');
  await mkdir(target, { recursive: true });
  const link = (from: string, name: string) => symlink(from, join(target, name)).catch(ignoreExisting);
  await link(mountedPath, MAIN_FILE);
  for (const name of await readdir(dirname(mountedPath))) await link(join(dirname(mountedPath), name), name);
  return target;
}

function ignoreExisting(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error;
}
