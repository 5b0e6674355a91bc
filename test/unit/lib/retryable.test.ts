import { expect, it } from 'vitest';
import { DockerError } from '../../../src/controller/docker/docker-error.ts';
import { RetryableError, retryOf } from '../../../src/lib/retryable.ts';

const lost = new RetryableError('connection lost');
const rejected = new DockerError('create service', 400, new Error('invalid name'));

it.each([
  [lost, 'later'],
  [rejected, 'after-change'],
  [new Error('unforeseen'), undefined],
  [new TypeError('undefined is not a function'), undefined],
  ['text', undefined],
  [undefined, undefined],
  [new AggregateError([lost, lost]), 'later'],
  [new AggregateError([rejected, lost]), 'later'],
  [new AggregateError([rejected, rejected]), 'after-change'],
  // A bug in one cluster is not hidden by a lost connection in another.
  [new AggregateError([lost, new TypeError('undefined is not a function')]), undefined],
])('an error states when what failed may succeed: %s', (error, expected) => {
  expect(retryOf(error)).toBe(expected);
});
