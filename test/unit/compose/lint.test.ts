import { describe, expect, it } from 'vitest';
import { lint, load } from '../../support/compose.ts';

const stack = (labels: string, more = '') => `services:
  app:
    image: x
    deploy:
      labels:
${labels.replaceAll(/^/gm, '        ')}
${more}`;

describe('an invalid label', () => {
  it('is found in a map', () => {
    const text = stack('com.docker.lb.hosts: app.example.org\ncom.docker.lb.port: "80a"\ncom.docker.lb.hots: x');

    expect(lint({ 'stack.yml': text })).toEqual([
      'stack.yml:7:9 error com.docker.lb.port is not a whole number',
      'stack.yml:8:9 warning com.docker.lb.hots is an unknown label',
    ]);
  });

  it('is found in a list', () => {
    const text = stack('- com.docker.lb.hosts=app.example.org\n- "com.docker.lb.port=0"');

    expect(lint({ 'stack.yml': text })).toEqual(['stack.yml:7:11 error com.docker.lb.port is not between 1 and 65535']);
  });

  it('is found if an anchor or a merge key provides it', () => {
    const text = `x-labels: &labels
  com.docker.lb.port: nonsense
${stack('<<: *labels\ncom.docker.lb.hosts: app.example.org')}`;

    expect(lint({ 'stack.yml': text })).toEqual(['stack.yml:2:3 error com.docker.lb.port is not a whole number']);
  });

  it('is found in the file that takes precedence', () => {
    const base = stack('com.docker.lb.hosts: app.example.org\ncom.docker.lb.port: 80');
    const override = stack('com.docker.lb.port: ${PORT:-none}');

    expect(lint({ 'a.yml': base, 'b.yml': override })).toEqual([
      'b.yml:6:9 error com.docker.lb.port is not a whole number',
    ]);
    expect(lint({ 'a.yml': base, 'b.yml': override }, { variables: () => '8080' })).toEqual([]);
  });

  it('is found in files with Windows line ends', () => {
    const text = stack('com.docker.lb.hosts: "bücher.example"\ncom.docker.lb.port: x').replaceAll('\n', '\r\n');

    expect(lint({ 'stack.yml': text })).toEqual(['stack.yml:7:9 error com.docker.lb.port is not a whole number']);
  });

  it('is found in JSON', () => {
    const labels = { 'com.docker.lb.hosts': 'a b', 'com.docker.lb.port': 80 };

    expect(lint({ 'stack.json': JSON.stringify({ services: { app: { deploy: { labels } } } }) })).toEqual([
      'stack.json:1:41 error com.docker.lb.hosts "a b" is not a host name',
    ]);
  });
});

describe('a missing label', () => {
  it('is reported at the other labels', () => {
    expect(lint({ 'stack.yml': stack('com.docker.lb.hosts: app.example.org') })).toEqual([
      'stack.yml:5:7 error com.docker.lb.port is missing',
    ]);
  });

  it('is reported if the service has several networks', () => {
    const labels = stack(
      'com.docker.lb.hosts: app.example.org\ncom.docker.lb.port: 80',
      `    networks: [one, two]
networks: { one: {}, two: {} }`,
    );

    expect(lint({ 'stack.yml': labels })).toEqual([
      'stack.yml:5:7 error com.docker.lb.network is missing, and the service has several networks',
    ]);
  });
});

describe('what docker rejects', () => {
  const good = 'com.docker.lb.hosts: app.example.org\ncom.docker.lb.port: 80';

  it.each([
    ['a boolean', stack(`${good}\ncom.docker.lb.ip_hash: true`), '8:9 error com.docker.lb.ip_hash'],
    ['a list for a value', stack(`${good}\ncom.docker.lb.ip_hash: [a]`), '8:9 error com.docker.lb.ip_hash'],
    ['a number in a list', stack('- 8'), '6:11 error 8'],
    ['a bad variable', stack(`${good}\nother: $ {X}`), '8:16 error contains a $ that does not start a variable'],
    ['a required variable', stack(`${good}\nother: "\${X:?x}"`), '8:16 error requires the variable X: x'],
    ['an undefined network', stack(good, '    networks: [nope]\n'), '8:16 error is attached to the network nope'],
    ['no services', 'networks: {}', '1:1 warning has no services'],
    ['an empty file', '', '1:1 error The file must be a mapping'],
    ['a tab', 'services:\n\tapp: {}', '2:1 error is invalid YAML'],
    ['a duplicate key', stack('a: 1\na: 2'), '7:9 error is invalid YAML: Map keys must be unique'],
    ['an unknown anchor', stack(`<<: *nobody\n${good}`), '6:13 error has no preceding anchor &nobody'],
    ['an open quote', 'services:\n  app: "x', '2:10 error is invalid YAML'],
  ])('is an error: %s', (_, text, expected) => {
    expect(lint({ 'stack.yml': text })).toContainEqual(expect.stringContaining(`stack.yml:${expected}`));
  });
});

describe('a probable mistake that docker accepts', () => {
  it('is a label on the containers', () => {
    const text = 'services:\n  app:\n    image: x\n    labels:\n      com.docker.lb.hosts: app.example.org\n';

    expect(lint({ 'stack.yml': text })).toEqual([
      'stack.yml:5:7 error com.docker.lb.hosts is set on the containers, where it has no effect',
    ]);
  });

  it('is a variable that is not set', () => {
    const text = stack('com.docker.lb.hosts: app.example.org$DOMAIN\ncom.docker.lb.port: 80');

    expect(lint({ 'stack.yml': text })).toEqual([
      'stack.yml:6:30 warning uses the variable DOMAIN, which is not set and expands to an empty string',
    ]);
  });

  it('is a host and path with conflicting labels', () => {
    const text = `services:
  a:
    deploy: { labels: [com.docker.lb.hosts=app.example.org, com.docker.lb.port=80] }
  b:
    deploy:
      labels: [com.docker.lb.hosts=app.example.org, com.docker.lb.port=80, com.docker.lb.ssl_only=1]
`;

    expect(lint({ 'stack.yml': text })).toEqual([
      expect.stringContaining('stack.yml:6:76 warning com.docker.lb.ssl_only ssl_only of demo_b conflicts with demo_a'),
    ]);
  });
});

describe('the stack', () => {
  const labels = (network: string) =>
    `com.docker.lb.hosts: a.b\ncom.docker.lb.port: 80\ncom.docker.lb.network: ${network}`;
  const networks = '    networks: [front]\nnetworks: { front: {} }';

  it('takes its name from a label of one of its networks', () => {
    const text = stack(labels('shop_front'), networks);

    expect(load({ 'stack.yml': text }).name).toBe('shop');
    expect(lint({ 'stack.yml': text })).toEqual([]);
  });

  it('takes its name from the option', () => {
    expect(lint({ 'stack.yml': stack(labels('shop_front'), networks) }, { stackName: 'other' })).toEqual([
      expect.stringContaining('stack.yml:8:9 warning com.docker.lb.network is not a network of the service'),
    ]);
  });

  it('otherwise takes the name of its folder', () => {
    expect(load({ 'stack.yml': stack(labels('front'), networks) }).name).toBe('demo');
  });
});

it('reads a self-referencing anchor, and a billion aliases, in no time', () => {
  const levels = Array.from(
    { length: 9 },
    (_, level) => `x-${level + 1}: &x${level + 1} [${`*x${level},`.repeat(10)}]`,
  );

  expect(lint({ 'stack.yml': `x-: &x { a: *x }\nx-0: &x0 [1]\n${levels.join('\n')}\nservices: { app: {} }` })).toEqual(
    [],
  );
});
