import { describe, expect, it } from 'vitest';
import { substitute } from '../../../src/compose/substitute.ts';

const values: Readonly<Record<string, string>> = { NAME: 'value', EMPTY: '', lower_1: 'low' };
const fill = (text: string) => substitute(text, (name) => values[name]);

describe('variables', () => {
  // Each as `docker stack config` 28.2.2 resolves it.
  it.each([
    ['$NAME', 'value'],
    ['a-${NAME}-b', 'a-value-b'],
    ['$NAME.$lower_1', 'value.low'],
    ['$$NAME $$', '$NAME $'],
    ['${NAME:-other}', 'value'],
    ['${EMPTY:-other}', 'other'],
    ['${EMPTY-other}', ''],
    ['${NONE-other}', 'other'],
    ['${NONE:-a:-b?c}', 'a:-b?c'],
    ['${NONE:-}', ''],
    ['${NAME:?needed}', 'value'],
    ['${EMPTY?needed}', ''],
    ['$NONE-foo bar', 'foo bar'],
    ['${NONE:-${NAME}}', '${NAME}'],
  ])('are substituted in %j', (text, filled) => {
    expect(fill(text)).toEqual({ text: filled, unset: [], refused: undefined });
  });

  it('without a value become empty, and are reported', () => {
    expect(fill('a${NONE}b$OTHER')).toEqual({ text: 'ab', unset: ['NONE', 'OTHER'], refused: undefined });
  });

  it.each(['$', 'a$', '$1', '${1}', '${NAME', '${NONE:+x}', '$ {NAME}'])('are refused as %j', (text) => {
    expect(fill(text).refused).toBe('contains a $ that does not start a variable');
  });

  it.each([
    ['${NONE:?say it}', 'requires the variable NONE: say it'],
    ['${EMPTY:?}', 'requires the variable EMPTY'],
    ['${NONE?}', 'requires the variable NONE'],
  ])('that are needed and not there are refused: %j', (text, reason) => {
    expect(fill(text).refused).toBe(reason);
  });
});
