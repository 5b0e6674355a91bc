import { describe, expect, it } from 'vitest';
import { isStillRejected, judgeRollout, rejection } from '../../../../src/controller/plan/rollout.ts';
import { specLabel } from '../../../../src/model/names.ts';
import type { OwnedService, Rollout } from '../../../../src/model/snapshot.ts';
import { anywhere } from '../../../support/builders.ts';

const now = Date.parse('2026-01-01T00:00:00Z');

function service(spec: string, rollout: Rollout, labels: Readonly<Record<string, string>> = {}): OwnedService {
  const ids = { networkIds: [], configIds: [], previousConfigIds: [], secretIds: [] };
  const identity = { id: 'id', name: 'proxy', role: 'proxy', cluster: 'default', index: 1, image: 'image' } as const;
  const placed = { placement: anywhere, isOnHosts: false };
  return { ...identity, ...ids, ...placed, labels: { [specLabel]: spec, ...labels }, rollout };
}

const settled: Rollout = { kind: 'settled' };
const rolledBack: Rollout = { kind: 'rolled-back', message: '' };

describe('a specification that was rolled back', () => {
  const attempts = new Map([['id', 'new']]);
  const once = rejection(service('old', rolledBack), 'new', 'no room', now);

  it('waits, and is retried when it is due', () => {
    const waiting = service('old', settled, once);

    expect(judgeRollout(waiting, 'new', attempts, now)).toBe('rejected');
    expect(judgeRollout(waiting, 'new', attempts, now + 9_999)).toBe('rejected');
    expect(judgeRollout(waiting, 'new', attempts, now + 10_000)).toBe('proceed');
  });

  it('makes way immediately for another one', () => {
    expect(judgeRollout(service('old', settled, once), 'newer', attempts, now)).toBe('proceed');
  });

  it('is retried at increasing intervals', () => {
    const again = service('old', rolledBack, once);

    expect(judgeRollout(again, 'new', attempts, now)).toBe('rolled-back');
    const twice = service('old', settled, rejection(again, 'new', 'no room', now));
    expect(judgeRollout(twice, 'new', attempts, now + 19_999)).toBe('rejected');
    expect(judgeRollout(twice, 'new', attempts, now + 20_000)).toBe('proceed');
  });

  it('is a problem until it has succeeded', () => {
    const trying = service('new', { kind: 'updating', startedAt: '' }, once);

    expect(isStillRejected(service('old', settled, once), 'new')).toBe(true);
    expect(isStillRejected(trying, 'new')).toBe(true);
    expect(isStillRejected(service('new', settled, once), 'new')).toBe(false);
  });
});
