import { describe, expect, it } from 'vitest';
import { parseHost } from '../../../src/model/hosts/host.ts';

describe('a host', () => {
  it.each([
    ['App.Example.ORG', 'app.example.org'],
    [' app.example.org. ', 'app.example.org'],
    ['bücher.example', 'xn--bcher-kva.example'],
    ['10.1.2.3', '10.1.2.3'],
    ['[2001:DB8::1]', '[2001:db8::1]'],
    ['my_app.local', 'my_app.local'],
    ['localhost', 'localhost'],
  ])('%j is the name %j', (text, name) => {
    expect(parseHost(text)).toEqual({ kind: 'exact', name });
  });

  it('may be a wildcard', () => {
    expect(parseHost('*.Example.org')).toEqual({ kind: 'wildcard', name: '*.example.org' });
  });

  it.each([String.raw`~^shop-\d+\.example\.org$`, '~(www|shop)?example', '~[a-z0-9-]+'])(
    '%j is a safe expression',
    (text) => {
      expect(parseHost(text)).toMatchObject({ kind: 'regex' });
    },
  );

  it.each([
    '',
    '.',
    'a b',
    'a..b',
    '-a.example',
    '127.1',
    '0x7f.1',
    'a.example:8080',
    'http://a.example',
    'a/b',
    'a"b',
    "a'b",
    'a;b',
    'a{b',
    '$host',
    'a\nb',
    'a\u0000b',
    'a%41',
    'user@host',
    `${'a'.repeat(64)}.example`,
    '*.',
    '*',
    'a.*.example',
    '**.example',
    '*.10.0.0.1',
  ])('%j is invalid', (text) => {
    expect(parseHost(text)).toBeTypeOf('string');
  });

  it.each([
    '~(a+)+$',
    '~(a|aa)+$',
    '~(.*)*',
    '~a*a*a*a*a*b',
    '~^.*"; }',
    '~a$b',
    '~[z-a]',
    '~(?=a)',
    String.raw`~(a)\1`,
    `~${'a'.repeat(200)}`,
    '~',
  ])('%j is not a safe expression', (text) => {
    expect(parseHost(text)).toBeTypeOf('string');
  });
});
