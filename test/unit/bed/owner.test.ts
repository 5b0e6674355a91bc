// Containers of a bed that an interrupted run left behind, and those that belong to a running one.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { hasEnded, type Machine, ownerName } from '../../../bed/owner.ts';

const machine = (name: string, processes: Readonly<Record<number, string>>): Machine => ({
  name,
  startOf: (pid) => processes[pid],
});

describe('the process that owns a container', () => {
  const owner = ownerName(7, machine('here', { 7: 'monday' }));

  it.each([
    { what: 'is running', now: machine('here', { 7: 'monday' }), ended: false },
    { what: 'has ended', now: machine('here', {}), ended: true },
    { what: 'has ended, and another one has its number', now: machine('here', { 7: 'tuesday' }), ended: true },
    { what: 'may be running: it is on another machine', now: machine('there', {}), ended: false },
  ])('$what', ({ now, ended }) => {
    expect(hasEnded(owner, now)).toBe(ended);
  });

  it.each(['', 'nobody', '{}', '7'])('is unknown if the label says %j, and may be running', (label) => {
    expect(hasEnded(label, machine('here', {}))).toBe(false);
  });

  it('is a process of this machine: this one is running, a killed one has ended', async () => {
    const child = spawn('sleep', ['60']);
    await once(child, 'spawn');
    const childName = ownerName(child.pid);

    expect(hasEnded(ownerName())).toBe(false);
    expect(hasEnded(childName)).toBe(false);

    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(hasEnded(childName)).toBe(true);
  });
});
