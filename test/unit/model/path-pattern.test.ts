// The label `paths`: which texts are accepted, which paths they match, and what explains them.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildDesiredState } from '../../../src/model/desired-state.ts';
import { explainUrl } from '../../../src/model/explain.ts';
import { comparePatterns, isPathPattern, matchesPath, parsePattern } from '../../../src/model/path-pattern.ts';
import { parseSettings } from '../../../src/model/settings/settings.ts';
import { textFault } from '../../../src/nginx-text/check-text.ts';
import { NOTHING_MORE } from '../../../src/nginx-text/permissions.ts';
import { routeFault } from '../../../src/protocol/route-message.ts';
import { aNetwork, aService } from '../../support/builders.ts';
import { hostileText } from '../../support/hostile-labels.ts';

describe('an entry', () => {
  it.each([
    ['/', ''],
    ['/app/', '/app'],
    ['//a/./b/../c', '/a/c'],
    ['=/', '=/'],
    ['=/app', '=/app'],
    ['= /app//x/', '=/app/x/'],
    ['=/gr%C3%B6%C3%9Fe', '=/größe'],
    [String.raw`~^/v\d+/[^/]+$`, String.raw`~/v\d+/[^/]+`],
    [String.raw`~.*\.php`, String.raw`~.*\.php`],
    ['~/(?:a|b){1,3}', '~/(?:a|b){1,3}'],
    ['~/A~b@c:d=e', '~/A~b@c:d=e'],
  ])('%s is %s', (text, pattern) => {
    expect(parsePattern(text)).toEqual({ pattern });
    expect(isPathPattern(pattern)).toBe(true);
  });

  it.each([
    ...[
      'app',
      '',
      '=',
      '=app',
      '=/%2f',
      '=/..',
      '=/%00',
      '=/a b',
      '~',
      '~/a b',
      '~/a|/b',
      '~/a"',
      '~/a{',
      '~/$x',
      '~/\\z',
    ],
    ...['~/(?i)a', '~/(?<x>a)', String.raw`~/(a)\1`, '~/a++', '~/a*?', '~/é', `~/${'a'.repeat(128)}`, '~/a{2000}'],
    ...['~/.*/.*[.]pdf', '~(a+)+', '~(a|a)*', '~/(.*)*', String.raw`~/\w+\w+\d`, String.raw`~/[^/]*.*\.php`],
  ])('%j is rejected', (text) => {
    expect(parsePattern(text)).toEqual({ reason: expect.any(String) });
  });

  it('matches what its expression says, whatever the characters', () => {
    const files = String.raw`~/files/.*\.pdf`;
    expect(matchesPath('/files/a\n/\r\u2028ä.pdf', files)).toBe(true);
    expect(matchesPath('/files/a.pdf\n', files)).toBe(false);
    expect(matchesPath('/x/files/a.pdf', files)).toBe(false);
    expect(matchesPath('/ä', '~/..')).toBe(true);
    expect(matchesPath('/ä', '~/.')).toBe(false);
  });

  it('comes before those with a lower precedence', () => {
    const sorted = ['=/long/exact', '=/exact', '~/expression/.*', '~/.*', '/very/very/long/prefix', '/a', '/b', ''];
    expect(sorted.toReversed().toSorted(comparePatterns)).toEqual(sorted);
  });

  it('is in normalized form if it is accepted', () => {
    fc.assert(
      fc.property(fc.constantFrom('', '=', '~', '=/', '~/', '/'), hostileText, (mark, text) => {
        const parsed = parsePattern(mark + text);
        if ('pattern' in parsed)
          expect([parsed.pattern, isPathPattern(parsed.pattern)]).toEqual([parsed.pattern, true]);
        if ('pattern' in parsed && parsed.pattern !== '')
          expect(parsePattern(escapePercent(parsed.pattern))).toEqual(parsed);
      }),
      { numRuns: 2000 },
    );
  });

  /** Decoded patterns would be decoded again. */
  function escapePercent(pattern: string): string {
    return pattern.startsWith('~') ? pattern : encodeURIComponent(pattern).replaceAll('%2F', '/').replace(/^%3D/, '=');
  }
});

describe('a proxy', () => {
  const location = (expression: string) =>
    textFault(`http { server { listen 80; location ~ "${expression}" { return 200; } } }`, [], NOTHING_MORE);

  it.each([
    [String.raw`(?s)^/v\\d+/(?:a|b)\\z`, true],
    [String.raw`^/v\\d+\\z`, false],
    [String.raw`(?s)/v\\d+\\z`, false],
    [String.raw`(?s)^/v\\d+`, false],
    [String.raw`(?s)^/(?<again>.*)\\z`, false],
    [String.raw`(?s)^/(?=x)\\z`, false],
  ])('accepts the expression %s: %s', (expression, isAccepted) => {
    expect(location(expression) === undefined).toBe(isAccepted);
  });
});

describe('the explanation', () => {
  const host = 'app.example.org';
  const services = [
    aService('prefix', { host, lb: { paths: '/app, /app/long' } }),
    aService('expression', { host, lb: { paths: '~/app/.*[.]php' } }),
    aService('exact', { host, lb: { paths: '=/app/x.php' } }),
  ];
  const nothing = { nodes: [], hostTasks: [], configs: [], secrets: [], owned: [] };
  const { settings } = parseSettings({}, '1');
  const state = buildDesiredState({ services, networks: [aNetwork('app')], ...nothing }, settings);
  const { table, routes } = state.clusters[0]!;
  const explain = (path: string) => explainUrl(table, `http://${host}${path}`, { httpsPort: 443 })!;

  it('names what matched, and why others do not answer', () => {
    for (const route of routes) expect(routeFault(route)).toBeUndefined();
    expect(explain('/app/x.php')).toMatchObject({
      answer: { route: { path: '=/app/x.php', services: ['exact'] } },
      because: [expect.any(String), 'The path /app/x.php matches the exact path /app/x.php.'],
      passedOver: [
        {
          route: { path: '~/app/.*[.]php' },
          reason: 'Its path matches too, but the exact path /app/x.php takes precedence.',
        },
        { route: { path: '/app/long' }, reason: 'The path /app/x.php does not match /app/long.' },
        { route: { path: '/app' }, reason: 'Its path matches too, but the exact path /app/x.php takes precedence.' },
      ],
    });
    expect(explain('/app/y.php').because).toContain(
      'The path /app/y.php matches the regular expression /app/.*[.]php.',
    );
    expect(explain('/app/y').because).toContain(
      'The path /app/y matches the context root /app, the longest that matches.',
    );
    expect(explain('/other').answer).toEqual({ kind: 'no-path' });
  });

  it('does not read a path with two slashes as a host', () => {
    expect(explain('//app%20x/y').answer).toEqual({ kind: 'no-path' });
    expect(explain('//app/y').answer).toMatchObject({ route: { services: ['prefix'] } });
  });
});
