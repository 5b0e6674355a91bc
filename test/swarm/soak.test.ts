// Random faults and changes for some minutes. For longer: `npm run soak -- --minutes 120 --seed 7`.
import { expect, it } from 'vitest';
import { soak } from '../support/soak.ts';

const minutes = Number(process.env.SOAK_MINUTES ?? 2);
const seed = Number(process.env.SOAK_SEED ?? Date.now() % 1_000_000);

it(
  'random faults and changes lose no request except those of tasks that end without notice, and memory stays flat',
  async () => {
    const report = await soak(seed, minutes);

    console.log(`SOAK seed ${seed}, ${minutes} minutes: ${JSON.stringify(report)}`);
    expect(report.steps).toBeGreaterThan(3);
    expect(report.total).toBeGreaterThan(minutes * 60 * 40);
    for (const [part, [early, late]] of Object.entries(report.memory))
      expect(late, part).toBeLessThan(early * 1.3 + 20);
  },
  (minutes + 10) * 60_000,
);
