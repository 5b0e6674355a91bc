import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';
import { bedCount } from '../bed/places.ts';

// Vitest's own default leaves one core unused, which on two cores doubles the time.
const maxWorkers = availableParallelism();

/** One project is one kind of test. `unit`, `golden`, `feature` and `security` need no engine. */
const project = (name: string, more: object = {}) => ({
  test: { name, include: [`${name}/**/*.test.ts`], environment: 'node' as const, maxWorkers, ...more },
});

const onSwarm = {
  setupFiles: ['./support/describe-failures.ts'],
  testTimeout: 420_000,
  hookTimeout: 420_000,
};

// As many files in parallel as there are beds: each file has its bed to itself. Nodes fail and return in them.
const swarm = {
  ...onSwarm,
  globalSetup: ['./swarm/setup.ts'],
  maxWorkers: bedCount,
  // Six nodes share the cores of one machine, and occasionally one of them is late in ways that no deadline covers,
  // such as routing requests to a proxy that has ended. A failed test is retried once after some seconds, and the
  // report says so. A defect fails twice.
  retry: { count: 1, delay: 10_000 },
};

// Faults on a bed of three managers and two workers, one after the other.
const managers = { ...onSwarm, globalSetup: ['./managers/setup.ts'], maxWorkers: 1 };

// From another release to this one and back.
const upgrade = { ...onSwarm, globalSetup: ['./upgrade/setup.ts'], maxWorkers: 1 };

export default defineConfig({
  root: import.meta.dirname,
  test: {
    passWithNoTests: true,
    // npm run coverage. The page runs in a browser, and each program's main.ts in a process of its own.
    coverage: {
      provider: 'v8',
      allowExternal: true,
      include: [join(import.meta.dirname, '../src/**/*.ts')],
      exclude: ['**/src/ui/**'],
      reporter: ['text-summary', 'html'],
      reportsDirectory: './artifacts/coverage',
    },
    projects: [
      // Takes seconds. The limit is for busy machines.
      project('unit', { testTimeout: 30_000 }),
      project('golden', { testTimeout: 30_000 }),
      project('feature', { testTimeout: 30_000 }),
      // Attacks.
      project('security', { testTimeout: 30_000 }),
      // A browser on a page whose swarm is in memory.
      project('page', { maxWorkers: 1, testTimeout: 120_000, hookTimeout: 120_000 }),
      project('nginx', { testTimeout: 60_000, hookTimeout: 60_000 }),
      project('swarm', swarm),
      project('managers', managers),
      project('upgrade', upgrade),
    ],
  },
});
