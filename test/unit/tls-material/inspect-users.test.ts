import { describe, expect, it } from 'vitest';
import { inspectSecret } from '../../../src/tls-material/inspect-secrets.ts';
import { inspectUsers } from '../../../src/tls-material/inspect-users.ts';

const bcrypt = '$2y$10$abcdefghijklmnopqrstuuqflPDzB6gcMhKa1rZqKiun2YGL5sa2u';
const apr1 = '$apr1$HQyJJRdX$ErX.biAZXpF.zt7t12zro1';
const sha = '$6$salt$egUxKNxDs8kPfh8iPMNcosMhb2eWah6d3R44JDm5Rj/j/XWR5E33QPd0YmHXoDHOIDR6kL5D3JcQcz0O8FHE00';

describe('a list of users', () => {
  it.each([
    ['each scheme', `a:${bcrypt}\nb:${apr1}\nc:${sha}\n`, 3],
    ['comments, empty lines and more fields', `# staff\n\na:${bcrypt}:more\n\r\n`, 1],
    ['line ends of Windows', `a:${bcrypt}\r\nb:${apr1}\r\n`, 2],
    ['names with spaces and letters of any language', `a b:${bcrypt}\nMüller:${apr1}`, 2],
    ['rounds', `a:${sha.replace('$salt', '$rounds=50000$salt')}`, 1],
    ['nothing', '\n# nobody\n', 0],
  ])('may have %s', (_, text, count) => {
    expect(inspectUsers(text)).toEqual({ count });
  });

  it.each([
    ['secret', 'separator'],
    [`:${bcrypt}`, 'separator'],
    [` a:${bcrypt}`, 'separator'],
    [`a\tb:${bcrypt}`, 'separator'],
    ['a:secret', 'plain'],
    ['a:', 'plain'],
    ['a:{PLAIN}secret', 'plain'],
    ['a:rl.3StKT.4T8M', 'plain'],
    ['a:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=', 'scheme'],
    ['a:$1$salt$ez2vlPGdaLYkJam5pWs/Y1', 'scheme'],
    ['a:$argon2id$v=19$m=65536$x', 'scheme'],
    ['a:$y$j9T$salt$hash', 'scheme'],
    [`a:${bcrypt.replace('$10$', '$11$')}`, 'costly'],
    [`a:${bcrypt.replace('$10$', '$31$')}`, 'costly'],
    [`a:${sha.replace('$salt', '$rounds=50001$salt')}`, 'costly'],
    [`a:${bcrypt.slice(0, -1)}`, 'malformed'],
    [`a:${bcrypt.replace('$10$', '$03$')}`, 'malformed'],
    [`a:${apr1}x`, 'malformed'],
  ])('reports the first wrong line: %s', (line, kind) => {
    expect(inspectUsers(`# staff\nz:${apr1}\n${line}\nb:secret`)).toEqual({ count: 1, fault: { line: 3, kind } });
  });

  it('is reported without names and hashes', () => {
    const facts = inspectSecret('users', `alice:${apr1}\nmallory:hunter2\n`);

    expect(facts).toMatchObject({ isMaterial: false, users: { count: 1, fault: { line: 2, kind: 'plain' } } });
    expect(JSON.stringify(facts)).not.toMatch(/alice|mallory|hunter2|apr1/);
  });
});
