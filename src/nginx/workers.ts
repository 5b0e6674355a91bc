import { readFile } from 'node:fs/promises';

/** Process ids of the workers of an nginx, those on their way out among them; empty where the kernel does not tell. */
export async function workersOf(master: number): Promise<ReadonlySet<string>> {
  const text = await readFile(`/proc/${master}/task/${master}/children`, 'utf8').catch(() => '');
  return new Set(text.split(' ').filter(Boolean));
}

/** Has workers finish their connections and end. Those that have ended since do not matter. */
export function quitWorkers(pids: Iterable<string>): void {
  for (const pid of pids) {
    try {
      process.kill(Number(pid), 'SIGQUIT');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
}
