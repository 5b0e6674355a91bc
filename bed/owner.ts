import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/** Label of containers and networks that belong to a run: its process. What stays after a run has no owner. */
export const ownerLabel = 'signalbox.owner';

export interface Machine {
  readonly name: string;
  /** When a process started, or undefined if no process with this number runs. */
  startOf(pid: number): string | undefined;
}

export const thisMachine: Machine = { name: `${hostname()} ${pidNamespace()}`.trim(), startOf };

/**
 * Identifies a process. The number alone is not enough: another process may get it later, or have it on another machine
 * that uses the same engine.
 */
export function ownerName(pid = process.pid, { name, startOf }: Machine = thisMachine): string {
  return JSON.stringify([name, pid, startOf(pid) ?? '']);
}

/** Whether the process has ended. Unknown for processes on other machines. */
export function hasEnded(owner: string, { name, startOf }: Machine = thisMachine): boolean {
  try {
    const [machine, pid, start] = JSON.parse(owner) as [string, number, string];
    return machine === name && startOf(pid) !== start;
  } catch {
    return false;
  }
}

/** Environment variable that passes the owner to the processes of a run. */
const ownerVariable = 'SIGNALBOX_BED_OWNER';

/** Makes this process the owner of everything that it and its children start. */
export function ownRun(): void {
  process.env[ownerVariable] = ownerName();
}

/** The owner of what this process starts: the process that began the run, or this one. */
export const currentOwner = (): string => process.env[ownerVariable] ?? ownerName();

/** `docker run` label for containers that belong to the run. */
export const ownerFlags = (): string[] => ['--label', `${ownerLabel}=${currentOwner()}`];

/** Containers may share the host's name but have their own process numbers. */
function pidNamespace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    // Not Linux.
    return '';
  }
}

function startOf(pid: number): string | undefined {
  if (process.platform !== 'linux') return runs(pid) ? 'unknown' : undefined;
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The program's name, in parentheses, may contain any character.
    const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return state === 'Z' || state === 'X' ? undefined : fields[18];
  } catch {
    return undefined;
  }
}

function runs(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
