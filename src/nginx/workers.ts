import { readFile } from 'node:fs/promises';

/** Process ids of the workers of an nginx, those on their way out among them; empty where the kernel does not tell. */
export async function workersOf(master: number): Promise<ReadonlySet<string>> {
  const text = await readFile(`/proc/${master}/task/${master}/children`, 'utf8').catch(() => '');
  return new Set(text.split(' ').filter(Boolean));
}
