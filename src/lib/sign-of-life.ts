import { statSync, writeFileSync } from 'node:fs';

const EVERY_MS = 2000;
/** Parsing and rendering thousands of services takes seconds in which a process does nothing else. */
const SILENCE_MS = 15_000;

/**
 * Writes a file now and then, while there is progress; its age tells a health check that the process hangs. Not in a thread of its own: the few that
 * Node has may all wait for Docker's DNS.
 */
export function giveSignsOfLife(path: string, makesProgress: () => boolean = () => true): void {
  const sign = () => {
    if (makesProgress()) writeIfPossible(path);
  };
  sign();
  setInterval(sign, EVERY_MS).unref();
}

/** Without memory for it the process must not end. */
function writeIfPossible(path: string): void {
  try {
    writeFileSync(path, '');
  } catch {
    // The file gets old, which says it.
  }
}

/** What the health check has to say; undefined if the process is alive. */
export function signOfLifeFault(path: string, now: number): string | undefined {
  const written = statSync(path, { throwIfNoEntry: false })?.mtimeMs;
  if (written === undefined) return 'not started yet';
  const silenceMs = now - written;
  return silenceMs > SILENCE_MS ? `no progress for ${Math.round(silenceMs / 1000)} s` : undefined;
}
