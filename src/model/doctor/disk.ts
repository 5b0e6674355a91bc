import type { Check } from './check.ts';
import type { DoctorFacts } from './facts.ts';

const LEAST_SHARE = 0.1;
const LEAST_BYTES = 1024 ** 3;

export const disk: Check<DoctorFacts> = {
  id: 'disk',
  title: "The disk of the controller's manager has room",
  run({ manager: { disk } }) {
    if (disk === undefined) return undefined;
    const share = disk.freeBytes / disk.totalBytes;
    if (share >= LEAST_SHARE && disk.freeBytes >= LEAST_BYTES) return [];
    return [
      {
        severity: disk.freeBytes < LEAST_BYTES ? 'error' : 'warning',
        what: `${(disk.freeBytes / LEAST_BYTES).toFixed(1)} GiB (${Math.round(share * 100)} %) are free`,
        why: 'A manager with a full disk cannot store changes of the swarm, and may lose its part of the majority.',
        fix: 'Remove unused images and containers: docker system prune. Or enlarge the disk.',
      },
    ];
  },
};
