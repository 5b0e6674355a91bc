import { describe, expect, it } from 'vitest';
import { countsIn, toTaskRecord } from '../../../../src/controller/docker/task-records.ts';

const answer = {
  ID: 't1',
  CreatedAt: '2026-01-01T00:00:00Z',
  ServiceID: 's1',
  NodeID: 'n1',
  Slot: 2,
  DesiredState: 'shutdown',
  Spec: {
    ContainerSpec: { Image: 'shop:1', Healthcheck: { Test: ['CMD', 'true'] } },
    Resources: { Limits: { MemoryBytes: 1024 } },
  },
  Status: {
    State: 'failed',
    Timestamp: '2026-01-01T00:00:05Z',
    Err: 'task: non-zero exit (3)',
    ContainerStatus: { ExitCode: 3 },
  },
};
const specOf = (Spec: object) => toTaskRecord({ ...answer, Spec }).spec;

describe('a task', () => {
  it('is read with its end', () => {
    expect(toTaskRecord(answer)).toEqual({
      ...{ id: 't1', serviceId: 's1', place: '2', nodeId: 'n1', state: 'failed', desiredState: 'shutdown' },
      ...{ error: 'task: non-zero exit (3)', exitCode: 3, memoryLimitBytes: 1024, hasHealthCheck: true },
      ...{ createdAt: Date.parse('2026-01-01T00:00:00Z'), since: Date.parse('2026-01-01T00:00:05Z') },
      spec: expect.stringMatching(/^[0-9a-f]{16}$/),
    });
  });

  it('of a global service belongs to its node, and may lack everything else', () => {
    const { Slot, ...rest } = answer;
    expect(toTaskRecord({ ...rest, Spec: {}, Status: { State: 'new' } })).toMatchObject({
      ...{ place: 'n1', error: undefined, exitCode: undefined, memoryLimitBytes: 0, hasHealthCheck: false },
      since: Date.parse('2026-01-01T00:00:00Z'),
    });
  });

  it.each([
    ['image', { ...answer.Spec, ContainerSpec: { ...answer.Spec.ContainerSpec, Image: 'shop:2' } }],
    ['health check', { ...answer.Spec, ContainerSpec: { ...answer.Spec.ContainerSpec, Healthcheck: { Interval: 1 } } }],
    ['limit', { ...answer.Spec, Resources: { Limits: { NanoCPUs: 1 } } }],
    ['force update', { ...answer.Spec, ForceUpdate: 1 }],
  ])('has another specification if its %s differs', (_, spec) => {
    expect(specOf(spec)).not.toBe(specOf(answer.Spec));
  });
});

it('reads the counts of services, and skips those without', () => {
  const services = [{ ID: 'a', ServiceStatus: { RunningTasks: 1, DesiredTasks: 2 } }, { ID: 'b' }];

  expect([...countsIn(services)]).toEqual([['a', { running: 1, desired: 2 }]]);
});
