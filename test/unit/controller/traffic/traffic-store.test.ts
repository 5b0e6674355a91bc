import { describe, expect, it } from 'vitest';
import type { Counted } from '../../../../src/controller/traffic/sums.ts';
import { type Scope, TrafficStore } from '../../../../src/controller/traffic/traffic-store.ts';

const START = 360_000;

function requests(count: number): Counted {
  return { classes: [0, 0, count, 0, 0, 0], tls: [0, 0, count, 0], times: [5, count], sent: 0, received: 0 };
}

function countsOf(store: TrafficStore, scope: Scope, since = 0, stepSeconds = 5): [at: number, count: number][] {
  const series = store.find(scope);
  return series === undefined
    ? []
    : [...store.read(series, since, stepSeconds)].map(({ at, row }) => [at, row.classes[2]!]);
}

const host = (name: string): Scope => ({ cluster: 'default', host: name });

describe('the history', () => {
  it('has the sums of each step, also of the current one', () => {
    const store = new TrafficStore();
    store.add(START, host('a'), requests(3));
    store.add(START, host('a'), requests(4));
    store.add(START + 2, host('a'), requests(1));

    expect(countsOf(store, host('a'))).toEqual([
      [START * 5, 7],
      [(START + 2) * 5, 1],
    ]);
  });

  it('counts late numbers in the current step', () => {
    const store = new TrafficStore();
    store.add(START + 1, host('a'), requests(1));
    store.add(START, host('a'), requests(2));

    expect(countsOf(store, host('a'))).toEqual([[(START + 1) * 5, 3]]);
  });

  it('has an hour in steps of 5 s, and a day in steps of a minute', () => {
    const store = new TrafficStore();
    const steps = (26 * 3600) / 5;
    for (let step = 0; step <= steps; step += 1) store.add(START + step, host('a'), requests(2));

    const now = (START + steps) * 5;
    const fine = countsOf(store, host('a'), now - 3600);
    expect(fine).toHaveLength(721);
    expect(fine.every(([, count]) => count === 2)).toBe(true);
    const coarse = countsOf(store, host('a'), now - 86_400, 60);
    expect(coarse).toHaveLength(1441);
    expect(coarse.slice(0, -1).every(([, count]) => count === 24)).toBe(true);
    // Older rows are dropped by pages.
    expect(countsOf(store, host('a'))[0]![0]).toBeGreaterThan(now - 3600 - 300);
    expect(countsOf(store, host('a'), 0, 60)[0]![0]).toBeGreaterThan(now - 86_400 - 3600);
  });

  it('adds up the current minute', () => {
    const store = new TrafficStore();
    for (let step = 0; step < 5; step += 1) store.add(START + step, host('a'), requests(2));

    expect(countsOf(store, host('a'), 0, 60)).toEqual([[START * 5, 10]]);
  });

  it('forgets hosts a day after their last request', () => {
    const store = new TrafficStore();
    store.add(START, host('a'), requests(1));
    store.moveTo(START + (24 * 3600) / 5 + 13);

    expect(store.find(host('a'))).toBeUndefined();
  });

  it('announces each completed step', () => {
    const store = new TrafficStore();
    let steps = 0;
    const stop = store.subscribe(() => {
      steps += 1;
    });
    store.add(START, host('a'), requests(1));
    store.moveTo(START + 1);
    store.moveTo(START + 1);
    stop();
    store.moveTo(START + 2);

    expect(steps).toBe(1);
  });
});

describe('the limit of hosts', () => {
  const full = () => {
    const store = new TrafficStore({ mostSeries: 3 });
    for (const name of ['a', 'b', 'c']) store.add(START, host(name), requests(1));
    return store;
  };

  it('drops the host that was idle for the longest time', () => {
    const store = full();
    store.add(START + 1, host('a'), requests(1));
    store.add(START + 2, host('c'), requests(1));
    store.add(START + 50, host('new'), requests(1));

    expect(['a', 'b', 'c', 'new'].map((name) => store.find(host(name)) !== undefined)).toEqual([
      true,
      false,
      true,
      true,
    ]);
  });

  it('does not drop hosts with traffic, but counts new ones in their cluster only', () => {
    const store = full();
    store.add(START + 1, host('new'), requests(1));
    store.add(START + 1, { cluster: 'default' }, requests(1));

    expect(store.find(host('new'))).toBeUndefined();
    expect(countsOf(store, { cluster: 'default' })).toEqual([[(START + 1) * 5, 1]]);
  });
});

describe('full memory', () => {
  it('drops the oldest rows of all hosts, but not those of their cluster', () => {
    const store = new TrafficStore({ stepBytes: 60_000, minuteBytes: 20_000 });
    for (let step = 0; step < 2000; step += 1) {
      store.add(START + step, { cluster: 'default' }, requests(50));
      for (let number = 0; number < 50; number += 1)
        store.add(START + step, host(`${number}`), requests(1 + (step % 7)));
    }
    expect(countsOf(store, { cluster: 'default' }).length).toBeGreaterThanOrEqual(720);

    for (let number = 0; number < 50; number += 1) {
      const rows = countsOf(store, host(`${number}`));
      expect(rows.length).toBeGreaterThan(100);
      expect(rows.at(-1)).toEqual([(START + 1999) * 5, 1 + (1999 % 7)]);
      // Nothing is missing in between.
      expect(rows.map(([at]) => at)).toEqual(rows.map((_, index) => rows[0]![0] + index * 5));
      expect(rows.every(([at, count]) => count === 1 + ((at / 5 - START) % 7))).toBe(true);
    }
  });
});
