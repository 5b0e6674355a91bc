import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeCase, encodeCase, fitsDns } from '../../../src/model/dns/name-case.ts';

const letters = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-';
const label = fc.string({ unit: fc.constantFrom(...letters), minLength: 1, maxLength: 63 });
const name = fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => labels.join('.'));

it.each`
  name                          | encoded
  ${'tasks.web.MyApp_default'}  | ${'tasks.web.myapp_default.1400.case.signalbox'}
  ${'web.ProxyNet'}             | ${'web.proxynet.84.case.signalbox'}
  ${'tasks.Web.shop_frontEnd'}  | ${'tasks.web.shop_frontend.10004.case.signalbox'}
  ${'tasks.web.app'}            | ${'tasks.web.app.0.case.signalbox'}
  ${'tasks.a.b.Case.signalbox'} | ${'tasks.a.b.case.signalbox.2000.case.signalbox'}
`('$name is queried as $encoded', ({ name, encoded }) => {
  expect(encodeCase(name)).toBe(encoded);
  expect(decodeCase(encoded)).toBe(name);
});

it('restores every name from a query in lower case', () => {
  fc.assert(
    fc.property(name, (name) => {
      const encoded = encodeCase(name);
      expect(encoded).toBe(encoded.toLowerCase());
      expect(decodeCase(encoded)).toBe(name);
    }),
  );
});

it('gives different names different encodings', () => {
  fc.assert(
    fc.property(name, name, (a, b) => {
      fc.pre(a !== b);
      expect(encodeCase(a)).not.toBe(encodeCase(b));
    }),
  );
});

it.each([
  'tasks.web.app',
  'case.signalbox',
  '0.case.signalbox',
  '.0.case.signalbox',
  'web.app.case.signalbox',
  'web.app.01.case.signalbox',
  'web.app.A.case.signalbox',
  'Web.app.0.case.signalbox',
  'web.app.0.case.signalbox.',
  'web.app.0.Case.signalbox',
  // A dot, and a letter before the first one, have no upper case.
  'web.app.8.case.signalbox',
  'web.app.80.case.signalbox',
  'web.app.ffffffffffffffffffffffffffffffffffffffffffffffffffffffffff.case.signalbox',
])('rejects %s', (encoded) => {
  expect(decodeCase(encoded)).toBeUndefined();
});

it('accepts nothing but what it encodes', () => {
  fc.assert(
    fc.property(name, fc.stringMatching(/^[0-9a-f]{1,20}$/), (name, mask) => {
      const encoded = `${name}.${mask}.case.signalbox`;
      const decoded = decodeCase(encoded);
      if (decoded !== undefined) expect(encodeCase(decoded)).toBe(encoded);
    }),
  );
});

describe('the limits of DNS', () => {
  it('allow the longest names that Swarm allows', () => {
    const longest = 'N'.repeat(63);
    expect(fitsDns(encodeCase(`tasks.${longest}.${longest}`))).toBe(true);
  });

  it.each(['n'.repeat(64), `a..b`, '', Array(64).fill('abc').join('.')])('exclude %s', (name) => {
    expect(fitsDns(name)).toBe(false);
  });
});
