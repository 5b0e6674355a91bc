import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import type { Counted } from '../../../../src/controller/traffic/sums.ts';
import { type Scope, TrafficStore } from '../../../../src/controller/traffic/traffic-store.ts';

const START = 360_000;
const HOSTS = 1000;
/** See docs/performance.md. */
const MOST_BYTES = 10_000_000;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

function usedBytes(): number {
  collectGarbage();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** Ordinary numbers of a host in a step. */
function someRequests(seed: number): Counted {
  const count = 1 + (seed % 40);
  const refused = seed % 11 === 0 ? 1 : 0;
  return {
    classes: [0, 0, count, 0, refused, 0],
    tls: [0, 0, count + refused, 0],
    times: [3 + (seed % 5), count, 20 + (seed % 9), 1],
    sent: count * 4321,
    received: count * 321,
  };
}

it('of 1,000 hosts with requests in every step, and their tasks, stays below 10 MB', () => {
  const before = usedBytes();
  const store = new TrafficStore();
  const samples = Array.from({ length: 97 }, (_, seed) => someRequests(seed));
  const scopes = Array.from({ length: HOSTS }, (_, number): Scope[] => {
    const scope = { cluster: 'default', host: `service-${number}.example.org` };
    return [scope, { ...scope, address: `10.0.${number >> 8}.${number & 255}:8080` }];
  }).flat();
  const all = [{}, { cluster: 'default' }, ...scopes];
  for (let step = 0; step < 200; step += 1)
    for (const [index, scope] of all.entries()) store.add(START + step, scope, samples[(step * 31 + index) % 97]!);

  const used = usedBytes() - before;
  console.log(`1,000 hosts and their tasks use ${(used / 1e6).toFixed(1)} MB`);
  expect(used).toBeLessThan(MOST_BYTES);
  // The newest rows are there, also if older ones had to go.
  for (const scope of [all[0]!, all.at(-1)!]) {
    const rows = [...store.read(store.find(scope)!, 0, 5)];
    expect(rows.at(-1)?.at).toBe((START + 199) * 5);
    expect(rows.length).toBeGreaterThan(100);
  }
});
