import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, link, mkdir, readdir, readFile, readlink, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { sleep } from '../../lib/sleep.ts';
import { usesNameRelay } from '../../model/name-case.ts';
import type { StoredVersion } from '../../model/version.ts';
import { readAtHandshake, testConfiguration } from '../../nginx/check.ts';
import { contentHash } from '../../protocol/seal.ts';
import { type BriefVersion, InvalidVersionError, type Nginx } from '../agent.ts';
import { awaitNames, namesIn } from './await-names.ts';
import type { SecretStore } from './secret-store.ts';
import { servedVersion } from './status.ts';
import { quitWorkers, workersOf } from './workers.ts';

export interface NginxRunOptions {
  /** The command that starts nginx in the foreground. */
  readonly command: readonly string[];
  /** Where Swarm mounts the configuration that the task was started for. */
  readonly mountedPath: string;
  /** A folder used only by this process. */
  readonly folder: string;
  /** Validates a version stored elsewhere; returns undefined if it is valid. */
  readonly faultOf?: (version: string, files: BriefVersion['files']) => string | undefined;
  /** The same with the SHA-256 of each file's content: checks the extension's signature. */
  readonly sealFaultOf?: (version: StoredVersion, hashes: readonly string[]) => string | undefined;
  /** Decrypts what the files of a version contain, and removes the rest. Absent if the task has no key. */
  readonly secrets?: Pick<SecretStore, 'unlock' | 'keepOnly'> | undefined;
  /** Called before nginx reads a configuration that resolves names through the relay. */
  readonly startNameRelay: () => Promise<void>;
}

const MAIN_FILE = 'nginx.conf';
const CONFIRM_MS = 60_000;
/** A reload that takes longer may have been rejected by nginx. */
const DOUBT_MS = 3000;
const CONFIRM_EVERY_MS = 15;
/** While old workers are releasing the port, one answer may still come from them. */
const CONFIRMATIONS = 3;
const KEPT_FOLDERS = 2;

/**
 * Runs nginx: starts, tests and reloads it, and checks which version it serves. The path of the main file contains a link, so that a reload, which
 * reads the same path again, loads another version.
 */
export class NginxRun implements Nginx {
  readonly #options: NginxRunOptions;
  readonly #current: string;
  #process: ChildProcess | undefined;
  #exited = Promise.resolve(0);
  /** The version that nginx last loaded; before that, the adopted version. */
  #brought: StoredVersion | undefined;
  #needsNameRelay = false;

  constructor(options: NginxRunOptions) {
    this.#options = options;
    this.#current = join(options.folder, 'current');
  }

  /** Digests of the files stored here. */
  get known(): readonly string[] {
    return this.#brought?.files.map(({ digest }) => digest) ?? [];
  }

  get stored(): StoredVersion | undefined {
    return this.#brought;
  }

  async adopt(version: StoredVersion): Promise<void> {
    const folder = this.#folderOf(version);
    await mkdir(folder, { recursive: true });
    const hashes: string[] = [];
    for (const [position, { path, at }] of version.files.entries()) {
      const target = join(folder, nameOf(path, position));
      await copyFile(at, target);
      const text = await readFile(target, 'utf8');
      this.#look(text);
      this.#verify(version, position, text);
      hashes.push(contentHash(text));
    }
    const fault = this.#options.sealFaultOf?.(version, hashes);
    if (fault !== undefined) throw new InvalidVersionError(fault);
    this.#remember(version);
  }

  /** Verifies the copy, file by file. Others may be able to write to the original. */
  #verify({ version, files }: StoredVersion, position: number, text: string): void {
    const named = files.map(({ path, digest }, other) => ({ path, digest, ...(other === position ? { text } : {}) }));
    const fault = this.#options.faultOf?.(version, named);
    if (fault !== undefined) throw new InvalidVersionError(fault);
  }

  /** Returns undefined if nginx accepts the version, otherwise its error message. */
  async test(version: BriefVersion): Promise<string | undefined> {
    return testConfiguration(join(await this.#store(version), MAIN_FILE));
  }

  /**
   * Starts nginx with a version, or with the mounted configuration. Resolves when nginx responds or has ended. Until then a reload would end nginx,
   * and the files that it reads must not move.
   */
  async start(version: BriefVersion | undefined, signal: AbortSignal): Promise<void> {
    const folder = version === undefined ? await this.#openMounted() : await this.#store(version);
    await this.#point(folder);
    await this.#announce(version?.version);
    if (version !== undefined) this.#remember(version);
    const names = await this.#namesIn(folder);
    if (this.#needsNameRelay) await this.#options.startNameRelay();
    await awaitNames(names);
    const [program, ...args] = this.#options.command;
    this.#process = spawn(program!, [...args, '-c', join(this.#current, MAIN_FILE)], { stdio: 'inherit' });
    this.#exited = once(this.#process, 'exit').then(([code]) => (code as number | null) ?? 1);
    const deadline = performance.now() + CONFIRM_MS;
    while (this.#isRunning() && !signal.aborted && performance.now() < deadline) {
      if ((await servedVersion()) !== undefined) return;
      await sleep(CONFIRM_EVERY_MS, signal);
    }
  }

  /** The folder of the configuration that nginx last loaded. */
  servedFolder(): Promise<string> {
    return readlink(this.#current);
  }

  #isRunning(): boolean {
    return this.#process?.exitCode === null && this.#process.signalCode === null;
  }

  /** Resolves with nginx's exit code once it has ended. */
  exited(): Promise<number> {
    return this.#exited;
  }

  /** Forwards a signal; returns false if nginx is not running yet. */
  signal(name: NodeJS.Signals): boolean {
    return this.#process?.kill(name) ?? false;
  }

  /**
   * A reload is also a test: if nginx rejects the files, it keeps its configuration and reports the reason only in its log. So only if nginx does not
   * serve the version soon, a separate test finds the reason. `onLoaded` is called at least once when nginx has loaded the version.
   */
  async reload(version: BriefVersion, onLoaded: () => void, signal: AbortSignal): Promise<void> {
    const folder = await this.#store(version);
    if (this.#needsNameRelay) await this.#options.startNameRelay();
    const before = await readlink(this.#current);
    const oldWorkers = await this.#workers();
    let accepting = oldWorkers;
    // nginx starts new workers when it has read everything, lets both accept connections for 100 ms, and then sends the old ones QUIT. They get the
    // signal now: until a new worker accepts, connections wait in the socket's queue. If the kernel lists no workers, only the answers count.
    const isLoaded = async () => {
      const workers = await this.#workers();
      if (workers.isSubsetOf(oldWorkers)) return oldWorkers.size === 0;
      quitWorkers(accepting.intersection(workers));
      accepting = new Set();
      onLoaded();
      return true;
    };
    await this.#point(folder);
    this.signal('SIGHUP');
    try {
      await this.#confirm(version, isLoaded, signal);
    } catch (error) {
      // If anything else makes nginx read its files, they must be valid.
      await this.#point(before);
      throw error;
    }
    await this.#announce(version.version);
    this.#remember(version);
    await this.#removeOld(basename(folder));
  }

  #workers(): Promise<ReadonlySet<string>> {
    return workersOf(this.#process?.pid ?? 0);
  }

  async #confirm(version: BriefVersion, isLoaded: () => Promise<boolean>, signal: AbortSignal): Promise<void> {
    if (await this.#isServed(version, DOUBT_MS, isLoaded, signal)) return;
    const complaint = await testConfiguration(join(this.#folderOf(version), MAIN_FILE));
    if (complaint !== undefined) throw new Error(complaint);
    if (!(await this.#isServed(version, CONFIRM_MS, isLoaded, signal)))
      throw new Error(`nginx did not load it within ${CONFIRM_MS / 1000} s; see its log`);
  }

  /** Also returns true if the signal aborts: the result is not used then. */
  async #isServed(
    { version }: BriefVersion,
    withinMs: number,
    isLoaded: () => Promise<boolean>,
    signal: AbortSignal,
  ): Promise<boolean> {
    const deadline = performance.now() + withinMs;
    for (let confirmations = 0; confirmations < CONFIRMATIONS && !signal.aborted; ) {
      if (performance.now() > deadline) return false;
      const isNew = (await isLoaded()) && (await servedVersion()) === version;
      confirmations = isNew ? confirmations + 1 : 0;
      if (confirmations === 0) await sleep(CONFIRM_EVERY_MS, signal);
    }
    return true;
  }

  #folderOf({ version }: { readonly version: string }): string {
    return join(this.#options.folder, `v-${fileName(version)}`);
  }

  #remember(brought: BriefVersion): void {
    const folder = this.#folderOf(brought);
    // Without the texts, which take megabytes for thousands of services.
    const files = brought.files.map(({ path, digest }, position) => ({
      path,
      digest,
      at: join(folder, nameOf(path, position)),
    }));
    this.#brought = { version: brought.version, files, seal: brought.seal };
  }

  /** Resolves to the version's folder. */
  async #store(version: BriefVersion): Promise<string> {
    const folder = this.#folderOf(version);
    await mkdir(folder, { recursive: true });
    const there = new Map(this.#brought?.files.map(({ digest, at }) => [digest, at]));
    for (const [position, { path, digest, text }] of version.files.entries()) {
      const target = join(folder, nameOf(path, position));
      if (there.get(digest) === target) continue;
      // Replaces the file instead of writing to it: other versions may share it as a link.
      await rm(target, { force: true });
      if (text !== undefined) {
        await writeFile(target, text);
        this.#look(text);
      } else if (there.has(digest)) await link(there.get(digest)!, target);
      else throw new Error(`The content of ${path} is missing`);
    }
    await this.#options.secrets?.unlock(folder);
    return folder;
  }

  /**
   * A version from the history may name certificates that this task does not have. They are then read at the handshake, so only the handshakes of
   * their own hosts fail.
   */
  async #openMounted(): Promise<string> {
    const folder = await this.#linkMounted();
    await this.#options.secrets?.unlock(folder);
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
  async #linkMounted(): Promise<string> {
    const { mountedPath, folder } = this.#options;
    const target = join(folder, 'mounted');
    await mkdir(target, { recursive: true });
    const link = (from: string, name: string) => symlink(from, join(target, name)).catch(ignoreExisting);
    await link(mountedPath, MAIN_FILE);
    for (const name of await readdir(dirname(mountedPath))) await link(join(dirname(mountedPath), name), name);
    return target;
  }

  /** The names of all upstreams. */
  async #namesIn(folder: string): Promise<string[]> {
    const names = new Set<string>();
    for await (const { text } of configurationsIn(folder)) {
      this.#look(text);
      for (const name of namesIn(text)) names.add(name);
    }
    return [...names];
  }

  /** Called for every new file: a later version may omit the text of files that are already here. */
  #look(text: string): void {
    this.#needsNameRelay ||= usesNameRelay(text);
  }

  /** Switches atomically, so that nginx never reads a partial version. */
  async #point(folder: string): Promise<void> {
    const draft = `${this.#current}.new`;
    await rm(draft, { force: true });
    await symlink(folder, draft);
    await rename(draft, this.#current);
  }

  /**
   * The health check compares this file with nginx's answer or, without the file, with the version that the task was
   * started for.
   */
  async #announce(version: string | undefined): Promise<void> {
    const path = join(this.#options.folder, 'serving');
    await rm(path, { force: true });
    if (version !== undefined) await writeFile(path, version);
  }

  async #removeOld(current: string): Promise<void> {
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

/** Reads one file at a time: all of them together take megabytes for thousands of services. */
export async function* configurationsIn(folder: string) {
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    if (name.endsWith('.conf')) yield { path, text: await readFile(path, 'utf8') };
  }
}

function ignoreExisting(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error;
}
