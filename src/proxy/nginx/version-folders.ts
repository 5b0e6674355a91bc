import { copyFile, link, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { usesNameRelay } from '../../model/dns/name-case.ts';
import { MAIN_FILE } from '../../model/proxy-places.ts';
import type { StoredVersion } from '../../model/version.ts';
import { contentHash } from '../../protocol/seal.ts';
import { type BriefVersion, InvalidVersionError } from '../ports.ts';
import type { SecretStore } from './secret-store.ts';

export interface VersionFoldersOptions {
  /** A folder used only by this process. */
  readonly folder: string;
  /** Validates a version stored elsewhere; returns undefined if it is valid. */
  readonly faultOf?: (version: string, files: BriefVersion['files']) => string | undefined;
  /** The same with the SHA-256 of each file's content: checks the extension's signature. */
  readonly sealFaultOf?: (version: StoredVersion, hashes: readonly string[]) => string | undefined;
  /** Decrypts what the files of a version contain, and removes the rest. Absent if the task has no key. */
  readonly secrets?: Pick<SecretStore, 'unlock' | 'keepOnly'> | undefined;
}

const KEPT_FOLDERS = 2;

/** Stores versions, each in a folder of its own. A version may come without the content of files that are already here. */
export class VersionFolders {
  readonly #options: VersionFoldersOptions;
  /** The version that nginx last loaded; before that, the adopted version. */
  #brought: StoredVersion | undefined;
  #needsNameRelay = false;

  constructor(options: VersionFoldersOptions) {
    this.#options = options;
  }

  /** Digests of the files stored here. */
  get known(): readonly string[] {
    return this.#brought?.files.map(({ digest }) => digest) ?? [];
  }

  get stored(): StoredVersion | undefined {
    return this.#brought;
  }

  /** Whether a file that was stored or noted resolves names through the relay. */
  get needsNameRelay(): boolean {
    return this.#needsNameRelay;
  }

  async adopt(version: StoredVersion): Promise<void> {
    const folder = this.folderOf(version);
    await mkdir(folder, { recursive: true });
    const hashes: string[] = [];
    for (const [position, { path, at }] of version.files.entries()) {
      const target = join(folder, nameOf(path, position));
      await copyFile(at, target);
      const text = await readFile(target, 'utf8');
      this.note(text);
      this.#verify(version, position, text);
      hashes.push(contentHash(text));
    }
    const fault = this.#options.sealFaultOf?.(version, hashes);
    if (fault !== undefined) throw new InvalidVersionError(fault);
    this.remember(version);
  }

  /** Verifies the copy, file by file. Others may be able to write to the original. */
  #verify({ version, files }: StoredVersion, position: number, text: string): void {
    const named = files.map(({ path, digest }, other) => ({ path, digest, ...(other === position ? { text } : {}) }));
    const fault = this.#options.faultOf?.(version, named);
    if (fault !== undefined) throw new InvalidVersionError(fault);
  }

  folderOf({ version }: { readonly version: string }): string {
    return join(this.#options.folder, `v-${fileName(version)}`);
  }

  /** Takes a stored version as the one whose files are known. */
  remember(brought: BriefVersion): void {
    const folder = this.folderOf(brought);
    // Without the texts, which take megabytes for thousands of services.
    const files = brought.files.map(({ path, digest }, position) => ({
      path,
      digest,
      at: join(folder, nameOf(path, position)),
    }));
    this.#brought = { version: brought.version, files, seal: brought.seal };
  }

  /** Resolves to the version's folder. */
  async store(version: BriefVersion): Promise<string> {
    const folder = this.folderOf(version);
    await mkdir(folder, { recursive: true });
    const there = new Map(this.#brought?.files.map(({ digest, at }) => [digest, at]));
    for (const [position, { path, digest, text }] of version.files.entries()) {
      const target = join(folder, nameOf(path, position));
      if (there.get(digest) === target) continue;
      // Replaces the file instead of writing to it: other versions may share it as a link.
      await rm(target, { force: true });
      if (text !== undefined) {
        await writeFile(target, text);
        this.note(text);
      } else if (there.has(digest)) await link(there.get(digest)!, target);
      else throw new Error(`The content of ${path} is missing`);
    }
    await this.#options.secrets?.unlock(folder);
    return folder;
  }

  /** Called for every new file: a later version may omit the text of files that are already here. */
  note(text: string): void {
    this.#needsNameRelay ||= usesNameRelay(text);
  }

  /** Keeps the folders of a few versions besides the current one. */
  async removeOld(current: string): Promise<void> {
    const names = (await readdir(this.#options.folder)).filter((name) => name.startsWith('v-') && name !== current);
    for (const name of names.slice(0, -KEPT_FOLDERS)) {
      await rm(join(this.#options.folder, name), { recursive: true, force: true });
    }
    const kept = [...names.slice(-KEPT_FOLDERS), current];
    await this.#options.secrets?.keepOnly(kept.map((name) => join(this.#options.folder, name)));
  }
}

/** The first is the main file. */
function nameOf(path: string, position: number): string {
  const name = fileName(path);
  return position === 0 ? MAIN_FILE : name;
}

/** The name comes over the network, possibly from a compromised extension. */
function fileName(text: string): string {
  if (!/^[a-z0-9][a-z0-9.-]*$/.test(text)) throw new Error(`${text} is not a valid file name`);
  return text;
}
