import { describe, expect, it } from 'vitest';
import type { SentProblem } from '../../../src/model/problem.ts';
import { filterProblems, groupProblems } from '../../../src/model/problem-groups.ts';

const problem = (service: string, more: Partial<SentProblem> = {}): SentProblem => ({
  ...{ id: 'label-invalid', severity: 'error', service, label: 'com.docker.lb.port', value: 'x' },
  ...{ reason: 'is not a whole number', remedy: 'Set it.' },
  ...more,
});

describe('problems', () => {
  it('are grouped by kind, the worst and most frequent first', () => {
    const notice = problem('d', { severity: 'notice', id: 'no-workers' });
    const rare = problem('c', { id: 'key-mismatch' });

    const groups = groupProblems([notice, rare, problem('a'), problem('b'), problem('b', { value: 'y' })]);

    expect(groups.map(({ id, count, causes }) => [id, count, causes.length])).toEqual([
      ['label-invalid', 3, 2],
      ['key-mismatch', 1, 1],
      ['no-workers', 1, 1],
    ]);
    expect(groups[0]?.causes[0]?.same.map(({ service }) => service)).toEqual(['a', 'b']);
  });

  it('of earlier releases have no id, and come last of their severity', () => {
    const { id: _, ...old } = problem('old');

    expect(groupProblems([old, problem('new')]).map(({ id }) => id)).toEqual(['label-invalid', undefined]);
  });

  it('are found by words of all that is shown, and by severity', () => {
    const affects = [{ service: 'shop_web', label: 'com.docker.lb.ssl_cert', routes: ['shop.example.org/'] }];
    const shared = problem('x', { severity: 'warning', affects });

    expect(filterProblems([problem('a'), shared], { text: 'SHOP.example port' })).toEqual([shared]);
    expect(filterProblems([problem('a'), shared], { severity: 'error' })).toEqual([problem('a')]);
    expect(filterProblems([problem('a'), shared], {})).toHaveLength(2);
  });

  it('are grouped within 200 ms, if there are 20,000', () => {
    const many = Array.from({ length: 20_000 }, (_, n) => problem(`app${n}`, { value: `${n % 1000}` }));
    groupProblems(many.slice(0, 100));
    const start = performance.now();

    groupProblems(filterProblems(many, { text: 'whole number' }));

    expect(performance.now() - start).toBeLessThan(200);
  });
});
