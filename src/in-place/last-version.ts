import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { LastVersion } from './agent.ts';
import type { Version } from './offers.ts';

/** Specifications whose last version is kept. */
const KEPT = 4;

/**
 * The last version in a folder that outlives the task. Tasks of other specifications may share the folder: each reads only what
 * one of its own has written. A folder that cannot be written keeps nothing, and hurts nobody.
 */
export function lastVersionIn(folder: string, boot: string): LastVersion {
  const path = join(folder, `${boot}.json`);
  return {
    async read() {
      try {
        const version = JSON.parse(await readFile(path, 'utf8')) as Version;
        // Earlier releases kept no digests.
        return version.files.every(({ digest }) => typeof digest === 'string') ? version : undefined;
      } catch {
        return undefined;
      }
    },
    async write({ version, files }) {
      try {
        await mkdir(folder, { recursive: true });
        const draft = `${path}.${process.pid}.new`;
        await writeFile(draft, JSON.stringify({ version, files }));
        await rename(draft, path);
        await removeOld(folder);
      } catch {
        // No volume, or a full disk: the next task starts with what the extension or its Docker config has.
      }
    },
  };
}

async function removeOld(folder: string): Promise<void> {
  const names = await readdir(folder);
  const aged = await Promise.all(
    names.map(async (name) => ({ name, writtenAt: (await stat(join(folder, name))).mtimeMs })),
  );
  const old = aged.toSorted((a, b) => b.writtenAt - a.writtenAt).slice(KEPT);
  for (const { name } of old) await rm(join(folder, name), { force: true });
}
