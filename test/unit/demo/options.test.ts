import { expect, it } from 'vitest';
import { parseOptions } from '../../../docker/demo/options.ts';

it('listens on the documented ports by default', () => {
  expect(parseOptions([], {})).toMatchObject({
    about: { version: '0.1', metadata: undefined },
    port: 8080,
    h2cPort: 8081,
    tls: undefined,
  });
});

it('reads version and metadata from the environment', () => {
  const { about } = parseOptions([], { VERSION: '0.2', METADATA: 'demo-version-2' });

  expect(about).toMatchObject({ version: '0.2', metadata: 'demo-version-2' });
});

it.each([[['--port', '90']], [['--port=90']], [['-port=90']], [['-port', '90']]])(
  'prefers %j to the environment',
  (args) => {
    expect(parseOptions(args, { PORT: '80' }).port).toBe(90);
  },
);

it.each([
  ['a port that is not a number', ['--port=web'], "port must be a number, not 'web'"],
  ['a certificate without its key', ['-tls-cert=a'], '--tls-cert and --tls-key go together'],
])('rejects %s', (_, args, message) => {
  expect(() => parseOptions(args, {})).toThrow(message);
});
