import { link, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { StoredVersion } from '../model/version.ts';
import type { LastVersion } from './ports.ts';

/** Number of specifications whose last version is kept. */
const KEPT = 4;
/** A draft older than this is abandoned. */
const ABANDONED_MS = 3_600_000;
/** Describes the version. No file of a version begins with a dot. */
const LIST = '.version.json';
/** Replaces the specification in the name of an unfinished folder. */
const DRAFT = 'draft';

/**
 * Stores the last version in a folder that outlives the task. Each version has a folder of its own and keeps its file names. Tasks of the same and of
 * other specifications may share the parent folder: each reads only complete versions of its own specification. If the folder is not writable,
 * nothing is stored, which is harmless.
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
      // A version without a seal would be rejected when it is read.
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
        // There is no volume, or the disk is full: the next task starts with the version from the extension or from its
        // Docker config.
      }
    },
  };
}

/** Files shared with the previous version are linked. New files are flushed to disk before the version is published, in case of a power failure. */
async function fill(draft: string, { version, files, seal }: StoredVersion, before: StoredVersion | undefined) {
  const there = new Map(before?.files.map(({ digest, at }) => [digest, at]));
  for (const { path, digest, at } of files) {
    const [same, target] = [there.get(digest), join(draft, path)];
    const copy = async () => writeFile(target, await readFile(at), { flush: true });
    // Another task may have removed the file by now, and not all volumes support links.
    await (same === undefined ? copy() : link(same, target).catch(copy));
  }
  const list = files.map(({ path, digest }) => ({ path, digest }));
  await writeFile(join(draft, LIST), JSON.stringify({ version, files: list, seal }), { flush: true });
}

async function finish(draft: string, target: string): Promise<void> {
  try {
    await rename(draft, target);
  } catch {
    // The version already exists, from another task or from before: mark it as the newest.
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
  // Not one of our folders: earlier releases kept one file per specification.
  newest.delete('');
  const needed = new Set([
    ...[...newest.values()].flatMap(([first]) => first ?? []).slice(0, KEPT),
    ...drafts.filter(({ writtenAt }) => Date.now() - writtenAt < ABANDONED_MS),
  ]);
  for (const one of kept) if (!needed.has(one)) await rm(one.path, { recursive: true, force: true });
}
