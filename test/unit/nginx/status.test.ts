import { expect, it } from 'vitest';
import { parseStubStatus } from '../../../src/nginx/status.ts';

it('reads what nginx says of its connections', () => {
  const text =
    'Active connections: 291 \nserver accepts handled requests\n 16630948 16630946 31070465 \nReading: 6 Writing: 179 Waiting: 106 \n';

  expect(parseStubStatus(text)).toEqual({
    accepted: 16630948,
    handled: 16630946,
    open: { reading: 6, writing: 179, waiting: 106 },
  });
});

it.each(['', '<html>404 Not Found</html>'])('makes nothing of %j', (text) => {
  expect(parseStubStatus(text)).toBeUndefined();
});
