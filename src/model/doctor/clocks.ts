import type { Check } from './check.ts';
import type { DoctorFacts } from './facts.ts';

/** Certificates of the control channel tolerate more, traffic charts and logs do not. */
const AHEAD_MS = 5000;
/** Swarm may note a report late, so a clock that is behind is less certain than one that is ahead. */
const BEHIND_MS = -30_000;

export const clocks: Check<DoctorFacts> = {
  id: 'clocks',
  title: 'Clocks of the nodes agree',
  run({ nodes }) {
    const known = nodes.filter(({ clockAheadMs }) => clockAheadMs !== undefined);
    if (known.length === 0) return undefined;
    return known
      .filter(({ clockAheadMs }) => clockAheadMs! > AHEAD_MS || clockAheadMs! < BEHIND_MS)
      .map(({ name, clockAheadMs }) => ({
        severity: 'warning',
        what: `The clock of ${name} is about ${Math.round(Math.abs(clockAheadMs!) / 1000)} s ${clockAheadMs! > 0 ? 'ahead' : 'behind'}`,
        why: 'Traffic counts for the wrong time, logs have a wrong order, and certificates are valid too early or too late.',
        fix: 'Run a time service on the node, such as chrony or systemd-timesyncd.',
      }));
  },
};
