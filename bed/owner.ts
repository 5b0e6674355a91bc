import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/** On containers and networks that go with a run: its process. What stays when a run is over has no owner. */
export const ownerLabel = 'signalbox.owner';

export interface Machine {
  readonly name: string;
  /** When a process started; undefined if none with this number runs. */
  startOf(pid: number): string | undefined;
}

export const thisMachine: Machine = { name: `${hostname()} ${pidNamespace()}`.trim(), startOf };

/** Names a process. Its number alone does not: another one gets it later, or has it on another machine that uses the same engine. */
export function ownerName(pid = process.pid, { name, startOf }: Machine = thisMachine): string {
  return JSON.stringify([name, pid, startOf(pid) ?? '']);
}

/** Whether the process has ended. Of other machines it is unknown. */
export function hasEnded(owner: string, { name, startOf }: Machine = thisMachine): boolean {
  try {
    const [machine, pid, start] = JSON.parse(owner) as [string, number, string];
    return machine === name && startOf(pid) !== start;
  } catch {
    return false;
  }
}

/** Variable that names the owner to the processes of a run. */
const ownerVariable = 'SIGNALBOX_BED_OWNER';

/** Makes this process the owner of all that it and its children start. */
export function ownRun(): void {
  process.env[ownerVariable] = ownerName();
}

/** The owner of what this process starts: the process that began the run, or this one. */
export const currentOwner = (): string => process.env[ownerVariable] ?? ownerName();

/** Label of `docker run` for containers that go with the run. */
export const ownerFlags = (): string[] => ['--label', `${ownerLabel}=${currentOwner()}`];

/** Containers may have the host's name, and numbers of their own. */
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
    // The name of the program, in parentheses, may contain anything.
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
