import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readlink, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { sleep } from '../../lib/sleep.ts';
import { queriesAtOnce } from '../../model/dns/dockers-dns.ts';
import { MAIN_FILE } from '../../model/proxy-places.ts';
import type { StoredVersion } from '../../model/version.ts';
import { testConfiguration } from '../../nginx/check.ts';
import { readServers } from '../../nginx-text/servers.ts';
import type { BriefVersion, Nginx } from '../ports.ts';
import { awaitNames } from './await-names.ts';
import { configurationsIn } from './configurations.ts';
import { openMounted } from './mounted-version.ts';
import { servedVersion } from './status.ts';
import { VersionFolders, type VersionFoldersOptions } from './version-folders.ts';
import { quitWorkers, workersOf } from './workers.ts';

export interface NginxRunOptions extends VersionFoldersOptions {
  /** The command that starts nginx in the foreground. */
  readonly command: readonly string[];
  /** Where Swarm mounts the configuration that the task was started for. */
  readonly mountedPath: string;
  /** Called before nginx reads a configuration that resolves names through the relay. */
  readonly startNameRelay: () => Promise<void>;
}

/** No version, for the health check. */
const NOTHING = 'nothing';
const CONFIRM_MS = 60_000;
/** A reload that takes longer may have been rejected by nginx. */
const DOUBT_MS = 3000;
const CONFIRM_EVERY_MS = 15;
/** While old workers are releasing the port, one answer may still come from them. */
const CONFIRMATIONS = 3;

/**
 * Runs nginx: starts, tests and reloads it, and checks which version it serves. The path of the main file contains a link, so that a reload, which
 * reads the same path again, loads another version.
 */
export class NginxRun implements Nginx {
  readonly #options: NginxRunOptions;
  readonly #versions: VersionFolders;
  readonly #current: string;
  #process: ChildProcess | undefined;
  #exited = Promise.resolve(0);

  constructor(options: NginxRunOptions) {
    this.#options = options;
    this.#versions = new VersionFolders(options);
    this.#current = join(options.folder, 'current');
  }

  get known(): readonly string[] {
    return this.#versions.known;
  }

  get stored(): StoredVersion | undefined {
    return this.#versions.stored;
  }

  async adopt(version: StoredVersion): Promise<void> {
    await this.#versions.adopt(version);
  }

  /** Returns undefined if nginx accepts the version, otherwise its error message. */
  async test(version: BriefVersion): Promise<string | undefined> {
    return testConfiguration(join(await this.#versions.store(version), MAIN_FILE));
  }

  /**
   * Starts nginx with a version, or with the mounted configuration. Resolves when nginx responds or has ended. Until then a reload would end nginx,
   * and the files that it reads must not move.
   */
  async start(version: BriefVersion | undefined, signal: AbortSignal): Promise<void> {
    const folder = version === undefined ? await openMounted(this.#options) : await this.#versions.store(version);
    await this.#point(folder);
    // Not healthy before nginx has the addresses of all names.
    await this.#announce(NOTHING);
    if (version !== undefined) this.#versions.remember(version);
    const names = await this.#namesIn(folder);
    if (this.#versions.needsNameRelay) await this.#options.startNameRelay();
    if (names.length > queriesAtOnce) await this.#startPaced(folder, names, signal);
    else {
      await awaitNames(names);
      await this.#spawn(signal);
    }
    await this.#announce(version?.version);
  }

  /** Starts nginx with the current configuration. Resolves with the version that it serves. */
  async #spawn(signal: AbortSignal): Promise<string | undefined> {
    const [program, ...args] = this.#options.command;
    this.#process = spawn(program!, [...args, '-c', join(this.#current, MAIN_FILE)], { stdio: 'inherit' });
    this.#exited = once(this.#process, 'exit').then(([code]) => (code as number | null) ?? 1);
    const deadline = performance.now() + CONFIRM_MS;
    while (this.#isRunning() && !signal.aborted && performance.now() < deadline) {
      const served = await servedVersion();
      if (served !== undefined) return served;
      await sleep(CONFIRM_EVERY_MS, signal);
    }
    return undefined;
  }

  /** Starts nginx with a copy that queries names more slowly, see PacedNames, and then loads the configuration. */
  async #startPaced(folder: string, names: readonly string[], signal: AbortSignal): Promise<void> {
    // Loaded only if needed, to save memory.
    const { PacedNames } = await import('./paced-names.ts');
    await using paced = await PacedNames.start(names);
    const copy = join(this.#options.folder, 'paced');
    await paced.writeCopy(folder, copy);
    await this.#point(copy);
    const version = await this.#spawn(signal);
    if (version !== undefined) await paced.learned(signal);
    await this.#point(folder);
    if (version !== undefined) await this.#load(folder, version, () => undefined, signal);
    await rm(copy, { recursive: true });
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
    const folder = await this.#versions.store(version);
    if (this.#versions.needsNameRelay) await this.#options.startNameRelay();
    await this.#load(folder, version.version, onLoaded, signal);
    await this.#announce(version.version);
    this.#versions.remember(version);
    await this.#versions.removeOld(basename(folder));
  }

  async #load(folder: string, version: string, onLoaded: () => void, signal: AbortSignal): Promise<void> {
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
      await this.#confirm(folder, version, isLoaded, signal);
    } catch (error) {
      // If anything else makes nginx read its files, they must be valid.
      await this.#point(before);
      throw error;
    }
  }

  #workers(): Promise<ReadonlySet<string>> {
    return workersOf(this.#process?.pid ?? 0);
  }

  async #confirm(
    folder: string,
    version: string,
    isLoaded: () => Promise<boolean>,
    signal: AbortSignal,
  ): Promise<void> {
    if (await this.#isServed(version, DOUBT_MS, isLoaded, signal)) return;
    const complaint = await testConfiguration(join(folder, MAIN_FILE));
    if (complaint !== undefined) throw new Error(complaint);
    if (!(await this.#isServed(version, CONFIRM_MS, isLoaded, signal)))
      throw new Error(`nginx did not load it within ${CONFIRM_MS / 1000} s; see its log`);
  }

  /** Also returns true if the signal aborts: the result is not used then. */
  async #isServed(
    version: string,
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

  /** The names of all upstreams, as nginx queries them. */
  async #namesIn(folder: string): Promise<string[]> {
    const names = new Set<string>();
    for await (const { text } of configurationsIn(folder)) {
      this.#versions.note(text);
      readServers(text, { server: ({ name, isResolved }) => void (isResolved && names.add(name)) });
    }
    return [...names];
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
}
