import { expect, it } from 'vitest';
import { DockerError } from '../../../../src/controller/docker/docker-error.ts';
import { isRetryable } from '../../../../src/lib/retryable.ts';

it.each([
  [undefined, false],
  [400, true],
  [403, true],
  [404, false],
  [409, false],
  [429, false],
  [500, false],
  [503, false],
])('a response with status %s is a rejection: %s', (status, expected) => {
  const error = new DockerError('Create service', status, new Error('failed'));

  expect(error.isRejection).toBe(expected);
  // The control loop continues after any error of the Engine: settings or the swarm may change.
  expect(isRetryable(error)).toBe(true);
});
