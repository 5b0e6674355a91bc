import { afterEach, expect, it } from 'vitest';
import { clock } from '../../../src/ui/lib/chart.ts';

const zone = process.env.TZ;
afterEach(() => {
  if (zone === undefined) delete process.env.TZ;
  else process.env.TZ = zone;
});

it('clock shows UTC, whatever the time zone of the browser', () => {
  process.env.TZ = 'Asia/Tokyo';

  expect(clock(Date.UTC(2026, 0, 31, 14, 5) / 1000)).toBe('14:05');
  expect(clock(Date.UTC(2026, 0, 31, 14, 5, 10) / 1000)).toBe('14:05:10');
});
