import { link, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { LastVersion } from './agent.ts';
import type { StoredVersion } from './offers.ts';

/** Specifications whose last version is kept. */
const KEPT = 4;
/** What somebody began to write so long ago is not going to be finished. */
const ABANDONED_MS = 3_600_000;
/** Tells what else there is; no file of a version begins with a dot. */
const LIST = '.version.json';
/** Stands where a finished one has its specification. */
const DRAFT = 'draft';

/**
 * The last version in a folder that outlives the task, a folder for each, with the file names of the version. Tasks of the same and of other
 * specifications may share it: each reads only what one of its own has written, and only what was written to the end. A folder that cannot be
 * written keeps nothing, and hurts nobody.
 */
export function lastVersionIn(folder: string, boot: string): LastVersion {
  const read = async (): Promise<StoredVersion | undefined> => {
    const newest = (await keptIn(folder)).find((kept) => kept.boot === boot);
    if (newest === undefined) return undefined;
    const { version, files, seal } = JSON.parse(await readFile(join(newest.path, LIST), 'utf8')) as StoredVersion;
    return { version, files: files.map(({ path, digest }) => ({ path, digest, at: join(newest.path, path) })), seal };
  };
  return {
    read: () => read().catch(() => undefined),
    async write(version) {
      // Nobody would take it.
      if (version.seal === undefined) return;
      try {
        await mkdir(folder, { recursive: true });
        const draft = await mkdtemp(join(folder, `${DRAFT}-`));
        try {
          await fill(draft, version, await read().catch(() => undefined));
          await finish(draft, join(folder, `${boot}-${version.version}`));
        } finally {
          await rm(draft, { recursive: true, force: true });
        }
        await removeOld(folder);
      } catch {
        // No volume, or a full disk: the next task starts with what the extension or its Docker config has.
      }
    },
  };
}

/** What the version before has as well takes no room and no time. What is new is on the disk before anybody finds it, whenever the power fails. */
async function fill(draft: string, { version, files, seal }: StoredVersion, before: StoredVersion | undefined) {
  const there = new Map(before?.files.map(({ digest, at }) => [digest, at]));
  for (const { path, digest, at } of files) {
    const [same, target] = [there.get(digest), join(draft, path)];
    const copy = async () => writeFile(target, await readFile(at), { flush: true });
    // Another task may have removed it by now; and not all volumes have links.
    await (same === undefined ? copy() : link(same, target).catch(copy));
  }
  const list = files.map(({ path, digest }) => ({ path, digest }));
  await writeFile(join(draft, LIST), JSON.stringify({ version, files: list, seal }), { flush: true });
}

async function finish(draft: string, target: string): Promise<void> {
  try {
    await rename(draft, target);
  } catch {
    // It is there, from another task or from before: now it is the newest.
    await utimes(target, new Date(), new Date());
  }
}

interface Kept {
  readonly path: string;
  readonly boot: string;
  readonly writtenAt: number;
}

/** The newest first. */
async function keptIn(folder: string): Promise<Kept[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const kept = entries.map(async (entry) => {
    const path = join(folder, entry.name);
    const boot = entry.isDirectory() ? entry.name.slice(0, entry.name.lastIndexOf('-')) : '';
    return { path, boot, writtenAt: (await stat(path)).mtimeMs };
  });
  return (await Promise.all(kept)).toSorted((a, b) => b.writtenAt - a.writtenAt);
}

async function removeOld(folder: string): Promise<void> {
  const kept = await keptIn(folder);
  const { drafts = [], versions = [] } = Object.groupBy(kept, ({ boot }) => (boot === DRAFT ? 'drafts' : 'versions'));
  const newest = Map.groupBy(versions, ({ boot }) => boot);
  // A file is none of ours: earlier releases kept one for each specification.
  newest.delete('');
  const needed = new Set([
    ...[...newest.values()].flatMap(([first]) => first ?? []).slice(0, KEPT),
    ...drafts.filter(({ writtenAt }) => Date.now() - writtenAt < ABANDONED_MS),
  ]);
  for (const one of kept) if (!needed.has(one)) await rm(one.path, { recursive: true, force: true });
}
