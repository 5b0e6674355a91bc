// Which containers of the bed are left over from a run that was interrupted, and which belong to one that goes on.
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
    { what: 'goes on', now: machine('here', { 7: 'monday' }), ended: false },
    { what: 'is gone', now: machine('here', {}), ended: true },
    { what: 'is gone, and another one has its number', now: machine('here', { 7: 'tuesday' }), ended: true },
    { what: 'may go on: it is on another machine', now: machine('there', {}), ended: false },
  ])('$what', ({ now, ended }) => {
    expect(hasEnded(owner, now)).toBe(ended);
  });

  it.each(['', 'nobody', '{}', '7'])('is unknown where the label says %j, and may go on', (label) => {
    expect(hasEnded(label, machine('here', {}))).toBe(false);
  });

  it('is a process of this machine: this one goes on, one that was killed has ended', async () => {
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
