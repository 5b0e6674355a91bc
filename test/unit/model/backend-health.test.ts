import { describe, expect, it } from 'vitest';
import { judgeTasks } from '../../../src/model/backends/health.ts';
import { backendProblem } from '../../../src/model/backends/problem.ts';
import type { TaskRecord } from '../../../src/model/backends/task.ts';

const now = 1_000_000;
const isReady = (node: string) => node !== 'lost';

/** A task that has been in its state for a minute. */
function task(changes: Partial<TaskRecord> = {}): TaskRecord {
  return {
    ...{ id: 't', serviceId: 's', place: '1', nodeId: 'worker1', state: 'running', desiredState: 'running' },
    ...{ error: undefined, exitCode: undefined, spec: 'new', memoryLimitBytes: 0, hasHealthCheck: false },
    ...{ createdAt: now - 60_000, since: now - 60_000 },
    ...changes,
  };
}

/** A task that ended a second ago, and its successor, which waits. */
function ended(changes: Partial<TaskRecord>, place = '1', times = 1): TaskRecord[] {
  const dead = Array.from({ length: times }, (_, position) =>
    task({
      ...{ place, state: 'failed', desiredState: 'shutdown' },
      ...{ createdAt: now - 3000 - position * 1000, since: now - 1000 - position * 1000 },
      ...changes,
    }),
  );
  return [task({ place, state: 'ready', desiredState: 'ready', createdAt: now - 500, since: now - 500 }), ...dead];
}

function reasonOf(replicas: number | undefined, tasks: readonly TaskRecord[]): string | undefined {
  const health = judgeTasks(replicas, tasks, isReady, now);
  const facts = { service: 'shop_web', cluster: 'default', health, faults: undefined, isVirtual: false };
  const problem = backendProblem(facts);
  return problem && `${problem.severity}: ${problem.reason}`;
}

describe('the problem of a service that', () => {
  const missing = { state: 'rejected', error: 'No such image: shop:9' };
  const full = { nodeId: undefined, state: 'pending', createdAt: now - 3000 };
  it.each([
    ['runs', 1, [task()], undefined],
    ['runs on every node', undefined, [task(), task({ place: 'b' })], undefined],
    ['starts for the first time', 2, [task({ state: 'preparing' })], undefined],
    ['desires no tasks', 0, ended({ exitCode: 1 }), undefined],
    [
      'lacks its image',
      2,
      [...ended(missing), ...ended(missing, '2')],
      'error: 0 of 2 tasks of shop_web run: the image is missing (No such image: shop:9)',
    ],
    [
      'fits on no node',
      1,
      [task({ ...full, error: 'no suitable node (insufficient resources on 2 nodes)' })],
      'error: 0 of 1 task of shop_web runs: no suitable node (insufficient resources on 2 nodes)',
    ],
    ['was created a moment ago', 1, [task({ ...full, error: 'no suitable node', createdAt: now - 500 })], undefined],
    [
      'ends once in one of its tasks',
      2,
      [...ended({ exitCode: 3, error: 'task: non-zero exit (3)' }), task({ place: '2' })],
      'warning: 1 of 2 tasks of shop_web run: the application ends with exit code 3',
    ],
    [
      'ends again and again',
      1,
      ended({ exitCode: 1, error: 'task: non-zero exit (1)' }, '1', 4),
      'error: 0 of 1 task of shop_web runs: the application ends with exit code 1, 3 times or more',
    ],
    [
      'ends without an error',
      1,
      ended({ state: 'complete', exitCode: 0 }, '1', 2),
      'error: 0 of 1 task of shop_web runs: the application ends with exit code 0, 2 times',
    ],
    [
      'exceeds its memory limit',
      1,
      ended({ exitCode: 137, error: 'task: non-zero exit (137)', memoryLimitBytes: 32 * 2 ** 20 }),
      'error: 0 of 1 task of shop_web runs: the application is killed (exit code 137), probably for memory: its limit is 32 MiB',
    ],
    [
      'fails its health check',
      1,
      ended({ exitCode: 137, error: 'task: non-zero exit (137): dockerexec: unhealthy container' }),
      'error: 0 of 1 task of shop_web runs: the health check fails',
    ],
    [
      'is stopped because its health check fails',
      1,
      ended({ state: 'complete', exitCode: 0, hasHealthCheck: true }),
      'error: 0 of 1 task of shop_web runs: the application ends with exit code 0, probably because its health check fails',
    ],
    [
      'is not healthy yet',
      1,
      [task({ state: 'starting', since: now - 9000 })],
      'warning: 0 of 1 task of shop_web runs: the health check has not succeeded yet',
    ],
    ['updates slowly', 2, [task({ state: 'starting', since: now - 9000 }), task({ place: '2' })], undefined],
    ['starts slowly', 1, [task({ state: 'starting', since: now - 3000 })], undefined],
    [
      'cannot be started',
      1,
      ended({ error: 'starting container failed: exec: "nope": not found' }),
      'error: 0 of 1 task of shop_web runs: starting container failed: exec: "nope": not found',
    ],
    [
      'failed with an earlier specification',
      1,
      [task({ createdAt: now - 10 }), ...ended({ spec: 'old', exitCode: 1 }).slice(1)],
      undefined,
    ],
    ['was scaled down after a failure', 1, [task(), ...ended({ exitCode: 1 }, '2').slice(1)], undefined],
  ] as const)('%s', (_, replicas, tasks, expected) => {
    expect(reasonOf(replicas, tasks)).toBe(expected);
  });

  it('updates to a missing image while its old task runs', () => {
    const tasks = [task({ spec: 'old', createdAt: now - 90_000 }), ...ended(missing)];

    expect(reasonOf(1, tasks)).toBe(
      'warning: The update of shop_web fails: the image is missing (No such image: shop:9)',
    );
  });
});

describe('a task whose predecessors ended', () => {
  const crash = (livedMs: number) =>
    task({
      state: 'failed',
      desiredState: 'shutdown',
      exitCode: 1,
      createdAt: now - 20_000 - livedMs,
      since: now - 20_000,
    });

  it.each([
    [1000, 4000, false],
    [1000, 6000, true],
    [10_000, 6000, false],
    [10_000, 19_000, false],
    [600_000, 31_000, true],
  ])('that lived for %i ms runs after %i ms: %s', (livedMs, runningMs, isSteady) => {
    const running = task({ createdAt: now - runningMs, since: now - runningMs });

    expect(judgeTasks(1, [running, crash(livedMs)], isReady, now)).toMatchObject({
      running: Number(isSteady),
      isSteady,
    });
  });
});

it('does not count tasks on lost nodes as running', () => {
  expect(judgeTasks(1, [task({ nodeId: 'lost' })], isReady, now)).toMatchObject({ running: 0, isSteady: false });
});

it('never passes control characters of an error on', () => {
  const [waiting, failed] = ended({ error: `bad\u001b[31m\nname ${'x'.repeat(1000)}` });
  const { failure } = judgeTasks(1, [waiting!, failed!], isReady, now);

  expect(failure).toMatchObject({ kind: 'not-started', message: expect.stringMatching(/^bad \[31m name x{1,200}$/) });
});
