import { expect, it } from 'vitest';
import { isRetryable, RetryableError } from '../../../src/lib/retryable.ts';

const lost = new RetryableError('connection lost');

it.each([
  [lost, true],
  [new Error('unforeseen'), false],
  [new TypeError('undefined is not a function'), false],
  ['text', false],
  [new AggregateError([lost, lost]), true],
  // A bug in one cluster is not hidden by a lost connection in another.
  [new AggregateError([lost, new TypeError('undefined is not a function')]), false],
])('an error says whether it is retryable: %s', (error, expected) => {
  expect(isRetryable(error)).toBe(expected);
});
