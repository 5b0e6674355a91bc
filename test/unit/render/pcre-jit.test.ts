import { expect, it } from 'vitest';
import { buildDesiredState } from '../../../src/model/desired-state.ts';
import { toRenderInput } from '../../../src/model/render-input.ts';
import { parseSettings } from '../../../src/model/settings/settings.ts';
import { readSnapshot, render } from '../../support/golden.ts';

function mainContext(options: readonly string[]): string {
  const document = { Extensions: { default: { Config: { GlobalOptions: options } } } };
  const { settings } = parseSettings(document, '1');
  const { files } = render(toRenderInput(buildDesiredState(readSnapshot('simple'), settings).clusters[0]!));
  return files[0]!.text.split('events {')[0]!;
}

it.each([
  [[], ['pcre_jit on;']],
  [['pcre_jit off;'], ['pcre_jit off;']],
  [['timer_resolution 1s;pcre_jit off;'], ['pcre_jit off;']],
  [['# pcre_jit is on'], ['pcre_jit on;']],
])('compiles regular expressions, unless raw options set it: %j', (options, expected) => {
  expect(mainContext(options).match(/(?<!# )pcre_jit (on|off);/g)).toEqual(expected);
});
