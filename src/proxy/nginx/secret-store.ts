import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isSecretsFile, parseSecretsFile } from '../../model/secrets/secret-files.ts';

export interface SecretStoreOptions {
  /** In memory. */
  readonly folder: string;
  readonly cluster: string;
  /** The private key of the cluster's proxies. */
  readonly privateKey: string;
  /** Called after new files were written, before nginx reads a configuration that names them. */
  readonly prepare: (names: readonly string[]) => Promise<void>;
  readonly onFailure: (file: string, error: Error) => void;
}

/** Decrypts the secrets that versions bring. The content under a name never changes. */
export class SecretStore {
  readonly #options: SecretStoreOptions;

  constructor(options: SecretStoreOptions) {
    this.#options = options;
  }

  /**
   * Decrypts the secrets of a version, given the folder with its files. One that cannot be decrypted is left out: only
   * the handshakes of its own hosts fail.
   */
  async unlock(versionFolder: string): Promise<void> {
    const { folder, cluster, privateKey, prepare, onFailure } = this.#options;
    const present = new Set(await this.#names());
    const missing = (await secretsIn(versionFolder)).filter(({ file }) => !present.has(file));
    if (missing.length === 0) return;
    // Loaded only if needed, to save memory.
    const { decrypt } = await import('../../protocol/encryption.ts');
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const written: string[] = [];
    for (const { file, ciphertext } of missing) {
      try {
        const content = await decrypt(privateKey, { cluster, file }, ciphertext);
        await writeComplete(join(folder, file), content);
        content.fill(0);
        written.push(file);
      } catch (error) {
        onFailure(file, error as Error);
      }
    }
    if (written.length > 0) await prepare(written);
  }

  /** Removes the secrets that none of these versions names. */
  async keepOnly(versionFolders: readonly string[]): Promise<void> {
    const named = new Set<string>();
    for (const folder of versionFolders) for (const { file } of await secretsIn(folder)) named.add(file);
    for (const name of await this.#names()) if (!named.has(name)) await rm(join(this.#options.folder, name));
  }

  async #names(): Promise<readonly string[]> {
    return readdir(this.#options.folder).catch(() => []);
  }
}

async function secretsIn(folder: string) {
  const paths = (await readdir(folder)).filter(isSecretsFile).toSorted();
  const texts = await Promise.all(paths.map((path) => readFile(join(folder, path), 'utf8')));
  return texts.flatMap((text) => parseSecretsFile(text) ?? []);
}

/** nginx never reads a part of a file. */
async function writeComplete(path: string, content: Uint8Array): Promise<void> {
  const draft = `${path}.new`;
  await rm(draft, { force: true });
  await writeFile(draft, content, { mode: 0o400 });
  await rename(draft, path);
}

/** Lets nginx test which of the secrets it accepts as CAs; see `docker/proxy/prepare-material`. */
export async function prepareAuthorities(folder: string, names: readonly string[]): Promise<void> {
  const child = spawn('prepare-material', ['--add', folder, ...names], { stdio: ['ignore', 'inherit', 'inherit'] });
  await once(child, 'exit');
}
