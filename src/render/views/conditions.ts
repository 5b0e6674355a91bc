import { digest } from '../../lib/digest.ts';
import type { Definition } from '../../model/features/feature.ts';
import type { Condition } from '../../model/match.ts';
import { exactly, firstCookie, firstParameter } from '../expressions.ts';

/** Not empty if the condition holds. */
export function conditionVariable(condition: Condition): string {
  return `matches_${digest(JSON.stringify(condition))}`;
}

export function toCondition(condition: Condition): Definition {
  const variable = conditionVariable(condition);
  return { key: variable, partial: 'define-condition', bytes: 0, variable, ...testOf(condition) };
}

/** nginx compares texts case-insensitively, and the names of cookies and parameters too: expressions do not. */
function testOf(condition: Condition): { readonly source: string; readonly values: readonly string[] } {
  if (condition.kind === 'method') return { source: '$request_method', values: condition.methods };
  const { kind, name, value } = condition;
  if (kind === 'header') return { source: `$http_${name.replaceAll('-', '_')}`, values: [exactly(value)] };
  if (kind === 'cookie') return { source: '$http_cookie', values: [firstCookie(name, value)] };
  return { source: '$args', values: [firstParameter(name, value)] };
}
