import { expect, it } from 'vitest';
import { DockerError } from '../../../../src/controller/docker/docker-error.ts';

it.each([
  [undefined, 'later'],
  [400, 'after-change'],
  [403, 'after-change'],
  [404, 'later'],
  [409, 'later'],
  [429, 'later'],
  [500, 'later'],
  [503, 'later'],
])('a call with response status %s may succeed: %s', (status, expected) => {
  const error = new DockerError('Create service', status, new Error('failed'));

  expect(error.retry).toBe(expected);
});
