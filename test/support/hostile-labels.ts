import fc from 'fast-check';
import { labelFamilies } from '../../src/model/features/features.ts';
import { beginningOf, LABEL_PREFIX } from '../../src/model/labels/label.ts';
import { labels } from '../../src/model/labels/labels.ts';
import { streamLabels } from '../../src/model/route-labels/streams.ts';

/** Characters with a meaning in nginx, templates, regular expressions or terminals. */
const metacharacters = [
  ...'"\'`;{}()[]<>$#\\/%~^*+?|=,.:@!&_- \t\n\r\0\u0007\u001b\u007f\u0085\u2028\u202e',
  'a',
  '0',
  'ß',
  '。',
];
const snippets = [
  '";}server{listen 666;}#',
  "'; return 200 owned; '",
  '{{> status}}',
  '@version@',
  '$' + '{request_uri}',
  '$host',
  '\\"',
  '\\',
  '\n}\n',
  '/../',
  'alice.example.org',
  'http://',
  'true',
  '8080',
  '~(a|a)*',
  ', =/',
  ', ~/.*/.*',
  '__proto__',
];

/** What an attacker might write. */
export const hostileText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({ unit: fc.constantFrom(...metacharacters), maxLength: 40 }),
  fc
    .array(fc.oneof(fc.constantFrom(...snippets), fc.constantFrom(...metacharacters)), { maxLength: 6 })
    .map((parts) => parts.join('')),
);

/**
 * As documented, with at most three modified: most generated values would otherwise be rejected at the first character.
 */
/** An example of each label, and one of each family. */
export const examples: Readonly<Record<string, string>> = Object.fromEntries([
  ...Object.values(labels).map(({ name, example }) => [name, example]),
  ...labelFamilies.map((family) => [beginningOf(family) + family.exampleName, family.example]),
]);
/** These route no requests: a service with one of them has no HTTP route. */
const names = Object.keys(examples).filter((name) => !Object.hasOwn(streamLabels, name));
const good = fc
  .subarray(names)
  .map((chosen) =>
    Object.fromEntries([...chosen, 'hosts' as const, 'port' as const].map((name) => [name, examples[name]!])),
  );
/** A label's example with something hostile before, after or inside it, or instead of it. */
export const bentExample = (example: string): fc.Arbitrary<string> =>
  fc
    .tuple(hostileText, fc.constantFrom('before', 'behind', 'inside', 'instead'), fc.nat({ max: example.length }))
    .map(([text, where, at]) => {
      if (where === 'instead') return text;
      const position = { before: 0, behind: example.length, inside: at }[where]!;
      return example.slice(0, position) + text + example.slice(position);
    });
const bent = fc
  .constantFrom(...names)
  .chain((name) => bentExample(examples[name]!).map((value): [string, string] => [name, value]));
const known = fc
  .tuple(good, fc.array(bent, { maxLength: 3 }))
  .map(([values, changes]): Record<string, string> => ({ ...values, ...Object.fromEntries(changes) }));
const unknown = fc.dictionary(hostileText, hostileText, { maxKeys: 3 });
const mesh = fc.dictionary(fc.constantFrom('com.docker.ucp.mesh.http', 'com.docker.ucp.mesh.http.1'), hostileText, {
  maxKeys: 2,
});

const prefixed = (values: Readonly<Record<string, string>>, infix = ''): Record<string, string> =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [LABEL_PREFIX + infix + name, value]));

/** All labels of a service whose owner is malicious or makes typing errors. */
export const hostileLabels: fc.Arbitrary<Readonly<Record<string, string>>> = fc
  .tuple(known, fc.option(known, { nil: {} }), unknown, mesh, fc.boolean())
  .map(([plain, group, other, old, today]) =>
    today ? { ...prefixed(plain), ...prefixed(group, '1.'), ...prefixed(other) } : old,
  );

const ofStreams = [
  ...Object.keys(streamLabels),
  ...['hosts', 'port', 'ssl_passthrough', 'allow', 'deny', 'connection_limit', 'connect_timeout', 'read_timeout'],
];
const streamGood = fc
  .subarray(ofStreams)
  .map((chosen) => Object.fromEntries([...chosen, 'tcp_port', 'port'].map((name) => [name, examples[name]!])));
const streamBent = fc
  .constantFrom(...ofStreams)
  .chain((name) => bentExample(examples[name]!).map((value): [string, string] => [name, value]));

/** The same of a service over TCP and UDP. */
export const hostileStreamLabels: fc.Arbitrary<Readonly<Record<string, string>>> = fc
  .tuple(streamGood, fc.array(streamBent, { maxLength: 2 }), streamGood)
  .map(([plain, changes, group]) => ({
    ...prefixed({ ...plain, ...Object.fromEntries(changes) }),
    ...prefixed(group, '1.'),
  }));
