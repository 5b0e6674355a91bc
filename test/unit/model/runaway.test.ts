import { describe, expect, it } from 'vitest';
import { parseHost } from '../../../src/model/hosts/host.ts';
import { nearest } from '../../../src/model/labels/nearest.ts';
import { parseSettings } from '../../../src/model/settings/settings.ts';

/** Analyzing user input must take time proportional to its length. */
function milliseconds(work: () => unknown): number {
  const start = performance.now();
  work();
  return performance.now() - start;
}

describe('a host expression', () => {
  it.each([
    ['optional letters', `~${'a?'.repeat(40)}b`],
    ['identical alternatives', `~${'(a|a)'.repeat(20)}b`],
    ['alternatives with a common prefix', `~${'(a|ab|abc)'.repeat(10)}b`],
    ['optional groups', `~${'(a)?'.repeat(20)}b`],
    ['three repetitions', '~.*.*.*x'],
    ['three repeated classes', '~[a-z]+[a-z]+[a-z]+x'],
    ['three bounded repetitions', '~a{1,99}a{1,99}a{1,99}b'],
  ])('is rejected if it could run away: %s', (_, text) => {
    expect(parseHost(text)).toMatch(/not a safe|too many ways/);
  });

  it.each([
    String.raw`~^[a-z]+-[a-z0-9]+\.?example$`,
    String.raw`~^(www|www2|shop)?\.example\.org$`,
    String.raw`~^(de|fr|it|es|nl|pl|pt|at|ch|be|dk|no|se|fi)\.example\.org$`,
    String.raw`~^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}\.example\.org$`,
  ])('is accepted if it cannot run away: %s', (text) => {
    expect(parseHost(text)).toMatchObject({ kind: 'regex' });
  });

  it('of any length is judged quickly', () => {
    expect(milliseconds(() => parseHost(`~${'a'.repeat(1_000_000)}`))).toBeLessThan(100);
    expect(milliseconds(() => parseHost(`~${'(a|a)?'.repeat(20)}!`))).toBeLessThan(100);
  });
});

describe('a mistyped name', () => {
  it('of any length is compared quickly', () => {
    expect(milliseconds(() => nearest('x'.repeat(1_000_000), ['hosts', 'port', 'context_root_rewrite']))).toBeLessThan(
      100,
    );
  });
});

describe('a time in the settings', () => {
  it('is judged quickly', () => {
    const config = { KeepaliveTimeout: `${'1'.repeat(60)}x` };

    expect(milliseconds(() => parseSettings({ Extensions: { default: { Config: config } } }, '1'))).toBeLessThan(100);
  });

  it.each(['75s', '75', '1h30m', '1m30', '500ms', '1d'])('may be %s', (text) => {
    const { problems } = parseSettings({ Extensions: { default: { Config: { KeepaliveTimeout: text } } } }, '1');

    expect(problems).toEqual([]);
  });

  it.each(['0s', '1ns', '10ms', '1000h'])(
    'is invalid as a poll interval if it is %s, which would keep the controller busy',
    (text) => {
      const { settings, problems } = parseSettings({ PollInterval: text }, '1');

      expect(settings.core.PollInterval).toBe(3000);
      expect(problems).toMatchObject([{ label: 'PollInterval' }]);
    },
  );
});
