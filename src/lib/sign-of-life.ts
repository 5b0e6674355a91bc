import { statSync, writeFileSync } from 'node:fs';

const EVERY_MS = 2000;
/** Parsing and rendering thousands of services blocks the event loop for seconds. */
const SILENCE_MS = 15_000;

/**
 * Writes a file regularly while there is progress. A health check detects a hanging process by the file's age. Does not use the thread pool: its few
 * threads may all be waiting for Docker's DNS.
 */
export function giveSignsOfLife(path: string, makesProgress: () => boolean = () => true): void {
  const sign = () => {
    if (makesProgress()) writeIfPossible(path);
  };
  sign();
  setInterval(sign, EVERY_MS).unref();
}

/** The process must not exit if there is no memory for the file. */
function writeIfPossible(path: string): void {
  try {
    writeFileSync(path, '');
  } catch {
    // The file's age then reports the fault.
  }
}

/** The health check's error message; undefined if the process is alive. */
export function signOfLifeFault(path: string, now: number): string | undefined {
  const written = statSync(path, { throwIfNoEntry: false })?.mtimeMs;
  if (written === undefined) return 'not started yet';
  const silenceMs = now - written;
  return silenceMs > SILENCE_MS ? `no progress for ${Math.round(silenceMs / 1000)} s` : undefined;
}
