import { expect, it } from 'vitest';
import { parseOptions } from '../../../docker/demo/options.ts';

it('listens where documentation says when told nothing', () => {
  expect(parseOptions([], {})).toMatchObject({
    about: { version: '0.1', metadata: undefined },
    port: 8080,
    h2cPort: 8081,
    tls: undefined,
  });
});

it('takes what tells versions apart from the environment', () => {
  const { about } = parseOptions([], { VERSION: '0.2', METADATA: 'demo-version-2' });

  expect(about).toMatchObject({ version: '0.2', metadata: 'demo-version-2' });
});

it.each([[['--port', '90']], [['--port=90']], [['-port=90']], [['-port', '90']]])(
  'takes %j over the environment',
  (args) => {
    expect(parseOptions(args, { PORT: '80' }).port).toBe(90);
  },
);

it.each([
  ['a port that is no number', ['--port=web'], "port must be a number, not 'web'"],
  ['a certificate without its key', ['-tls-cert=a'], '--tls-cert and --tls-key go together'],
])('refuses %s', (_, args, message) => {
  expect(() => parseOptions(args, {})).toThrow(message);
});
