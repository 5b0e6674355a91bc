import { readFile } from 'node:fs/promises';

/**
 * Process IDs of an nginx's workers, including those that are shutting down; empty if the kernel does not list them.
 */
export async function workersOf(master: number): Promise<ReadonlySet<string>> {
  const text = await readFile(`/proc/${master}/task/${master}/children`, 'utf8').catch(() => '');
  return new Set(text.split(' ').filter(Boolean));
}

/** Makes workers finish their connections and exit. Workers that have already exited are ignored. */
export function quitWorkers(pids: Iterable<string>): void {
  for (const pid of pids) {
    try {
      process.kill(Number(pid), 'SIGQUIT');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
}
