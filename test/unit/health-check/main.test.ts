// How Swarm detects that a controller or an extension hangs.
import { existsSync, mkdtempSync, rmSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { giveSignsOfLife, signOfLifeFault } from '../../../src/lib/sign-of-life.ts';
import { UnderWay } from '../../../src/lib/under-way.ts';

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'health-check-'));
  path = join(folder, 'progress');
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
  rmSync(folder, { recursive: true, force: true });
});

describe('the health check', () => {
  it('fails until the process has started', () => {
    expect(signOfLifeFault(path, Date.now())).toBe('not started yet');

    giveSignsOfLife(path);

    expect(signOfLifeFault(path, Date.now())).toBeUndefined();
  });

  it('fails after 15 s without progress', () => {
    giveSignsOfLife(path, () => true);
    const now = Date.now();
    utimesSync(path, now / 1000, now / 1000);

    expect(signOfLifeFault(path, now + 14_000)).toBeUndefined();
    expect(signOfLifeFault(path, now + 16_000)).toBe('no progress for 16 s');
  });
});

describe('signs of life', () => {
  it('are written while there is progress, and again once it resumes', async () => {
    let makesProgress = false;
    const isGiven = async () => {
      rmSync(path, { force: true });
      await vi.advanceTimersByTimeAsync(3000);
      return existsSync(path);
    };
    giveSignsOfLife(path, () => makesProgress);

    expect(await isGiven()).toBe(false);
    makesProgress = true;
    expect(await isGiven()).toBe(true);
    makesProgress = false;
    expect(await isGiven()).toBe(false);
  });

  it('do not end the process if they cannot be written', async () => {
    giveSignsOfLife(join(folder, 'missing', 'progress'));

    await vi.advanceTimersByTimeAsync(5000);

    expect(signOfLifeFault(join(folder, 'missing', 'progress'), Date.now())).toBe('not started yet');
  });
});

describe('work under way', () => {
  it('hangs if it has not ended after 3 minutes, whatever else ends meanwhile', async () => {
    const underWay = new UnderWay();
    const { promise, resolve } = Promise.withResolvers<string>();
    const result = underWay.track(() => promise);

    for (let seconds = 0; seconds < 170; seconds += 10) {
      await underWay.track(async () => undefined);
      await vi.advanceTimersByTimeAsync(10_000);
      expect(underWay.hangs).toBe(false);
    }
    await vi.advanceTimersByTimeAsync(20_000);
    expect(underWay.hangs).toBe(true);

    resolve('done');
    expect(await result).toBe('done');
    expect(underWay.hangs).toBe(false);
  });

  it('has ended if it failed', async () => {
    const underWay = new UnderWay();

    await expect(underWay.track(() => Promise.reject(new Error('away')))).rejects.toThrow('away');
    await vi.advanceTimersByTimeAsync(200_000);

    expect(underWay.hangs).toBe(false);
  });
});
