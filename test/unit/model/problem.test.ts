import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  concerns,
  limitProblems,
  type Problem,
  problemKey,
  shortened,
  sortProblems,
  splitByLabel,
} from '../../../src/model/problem.ts';

const expires = (service: string, ...routes: string[]): Problem => ({
  id: 'certificate-expires',
  severity: 'warning',
  service,
  label: 'com.docker.lb.ssl_cert',
  value: 'site',
  reason: 'the certificate in secret site expires on 2026-12-09',
  remedy: 'Create a new one.',
  affects: [{ service, label: 'com.docker.lb.ssl_cert', routes }],
});
const own = (service: string): Problem => ({
  id: 'label-invalid',
  severity: 'error',
  service,
  label: 'com.docker.lb.port',
  reason: 'is missing',
  remedy: 'Set it.',
});

describe('one cause', () => {
  it('is one problem that lists its routes', () => {
    const thirty = Array.from({ length: 30 }, (_, n) => expires(`app${n % 3}`, `host${n}.example.org/`));

    const [problem, ...others] = sortProblems(thirty);

    expect(others).toEqual([]);
    expect(problem).not.toHaveProperty('service');
    expect(problem!.affects!.map(({ service, routes }) => [service, routes.length])).toEqual([
      ['app0', 10],
      ['app1', 10],
      ['app2', 10],
    ]);
  });

  it('keeps the service if it is the only one', () => {
    expect(sortProblems([expires('app', 'b/'), expires('app', 'a/'), expires('app', 'a/')])).toEqual([
      expires('app', 'a/', 'b/'),
    ]);
  });

  it('keeps its key when a route is added, so that it is logged once', () => {
    const [before] = sortProblems([expires('a', 'a/')]);
    const [after] = sortProblems([expires('a', 'a/'), expires('b', 'b/')]);

    expect(problemKey(after!)).toBe(problemKey(before!));
  });

  it('affects each of the services', () => {
    const [problem] = sortProblems([expires('a', 'a/'), expires('b', 'b/')]);

    expect(['a', 'b', 'c'].map((name) => concerns(problem!, name))).toEqual([true, true, false]);
  });

  it('is shown at each of the labels if a view has places', () => {
    const [problem] = sortProblems([expires('a', 'a/'), expires('b', 'b/')]);

    expect(splitByLabel(problem!)).toEqual([expires('a', 'a/'), expires('b', 'b/')]);
    expect(splitByLabel(own('a'))).toEqual([own('a')]);
  });

  it('is one short line in the log', () => {
    const routes = Array.from({ length: 1000 }, (_, n) => `host${n}.example.org/`);

    expect(JSON.stringify(shortened(expires('a', ...routes))).length).toBeLessThan(1000);
    expect(shortened(own('a'))).toEqual(own('a'));
  });

  it('is not assumed for problems that two services share by chance', () => {
    expect(sortProblems([own('a'), own('b'), own('a')])).toEqual([own('a'), own('b')]);
  });
});

it('the order of problems, and merging them in steps, changes nothing', () => {
  const service = fc.constantFrom('a', 'b', 'c');
  const one = fc.oneof(
    fc.tuple(service, fc.constantFrom('x/', 'y/', 'z/')).map(([name, route]) => expires(name, route)),
    service.map(own),
  );
  fc.assert(
    fc.property(fc.array(one), fc.array(one), (some, others) => {
      const all = sortProblems([...some, ...others]);
      expect(sortProblems([...others, ...some])).toEqual(all);
      expect(sortProblems([...sortProblems(some), ...sortProblems(others)])).toEqual(all);
      expect(sortProblems(all)).toEqual(all);
    }),
  );
});

describe('the problems of one service', () => {
  const problem = (n: number, severity: Problem['severity'], service = 'noisy'): Problem => ({
    ...{ id: 'label-invalid', severity, service, label: `com.docker.lb.${n}.port`, value: 'x' },
    ...{ reason: 'is not a port', remedy: 'Name one.' },
  });
  const many = (count: number, severity: Problem['severity'], service?: string) =>
    Array.from({ length: count }, (_, n) => problem(n, severity, service));

  it('are all kept up to 20', () => {
    const all = [...many(20, 'error'), ...many(20, 'warning', 'other')];

    expect(limitProblems(all)).toEqual(all);
  });

  it('are cut to the 20 most severe, and the others are counted', () => {
    const all = [...many(500, 'notice'), ...many(7, 'error'), ...many(3, 'warning', 'other')];

    const shown = limitProblems(all);

    expect(shown.filter(({ service }) => service === 'other')).toHaveLength(3);
    const noisy = shown.filter(({ service }) => service === 'noisy');
    expect(noisy).toHaveLength(21);
    expect(noisy.filter(({ severity }) => severity === 'error')).toHaveLength(7);
    expect(noisy.at(-1)).toMatchObject({ severity: 'notice', reason: expect.stringContaining('487 more problems') });
  });
});
