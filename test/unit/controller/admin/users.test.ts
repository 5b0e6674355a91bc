// Users of the users secret.
import { beforeAll, describe, expect, it } from 'vitest';
import { Accounts } from '../../../../src/controller/admin/accounts.ts';
import { hashPassword, isPassword, parsePasswordHash } from '../../../../src/controller/admin/password-hash.ts';
import { parseUsers } from '../../../../src/controller/admin/users.ts';
import { readSignIn } from '../../../../src/controller/sign-in.ts';
import { Limiter } from '../../../../src/lib/limiter.ts';
import { parseSettings } from '../../../../src/model/settings/settings.ts';
import { AdminWorld, pageHeaders, usersText } from '../../../support/admin-world.ts';
import { eventually } from '../../../support/eventually.ts';

let hash: string;

beforeAll(async () => {
  hash = await hashPassword('a long password');
}, 60_000);

describe('A password hash', () => {
  it('matches its password only, however the characters were typed', async () => {
    const parsed = parsePasswordHash(await hashPassword('Käse und Brot'))!;
    expect(await isPassword('Käse und Brot'.normalize('NFD'), parsed)).toBe(true);
    expect(await isPassword('Käse und brot', parsed)).toBe(false);
  });

  it.each([
    ['cheaper than allowed', (text: string) => text.replace('$15$', '$14$')],
    ['more expensive than allowed', (text: string) => text.replace('$15$', '$20$')],
    ['truncated', (text: string) => text.slice(0, -1)],
    ['of another kind', (text: string) => text.replace('scrypt', 'md5')],
  ])('that is %s is rejected', (_, change) => {
    expect(parsePasswordHash(change(hash))).toBeUndefined();
  });
});

describe('The users of a secret', () => {
  it('are its lines, apart from comments', () => {
    const { users, problems } = parseUsers(`# the team\n\nanna:administrator:${hash}\r\notto:operator:${hash}\n`);
    expect(problems).toEqual([]);
    expect(users.map(({ name, role }) => [name, role])).toEqual([
      ['anna', 'administrator'],
      ['otto', 'operator'],
    ]);
  });

  it.each([
    ['secret password', 'line 2 does not start with a name'],
    ['vera:viewer:secret password', 'line 2 has no password hash'],
    ['vera:root:HASH', 'line 2 has no valid role after the name: viewer, operator, administrator'],
    ['vera:viewer:HASH:more', 'line 2 has no password hash'],
    ['admin:viewer:HASH', 'line 2 is for admin, which has a separate secret'],
    ['__proto__:administrator:', 'line 2 does not start with a name'],
    ['anna:viewer:HASH', 'has the user anna more than once'],
  ])('are the valid ones if one line is invalid, and the problem shows none of it: %s', (line, reason) => {
    const text = `anna:administrator:${hash}\n${line.replace('HASH', hash)}\notto:operator:${hash}`;
    const { users, problems } = parseUsers(text);
    expect(users.map(({ name }) => name)).toEqual(line.startsWith('anna') ? ['otto'] : ['anna', 'otto']);
    expect(problems).toMatchObject([
      { severity: 'error', label: 'UsersSecret', reason: expect.stringContaining(reason) },
    ]);
    expect(JSON.stringify(problems)).not.toMatch(/secret password|scrypt\$15\$[\w-]{20}/);
  });
});

describe('Sign-in sources', () => {
  const read = (document: object, secrets: Readonly<Record<string, string>>) =>
    readSignIn(parseSettings(document as never, '1.0.0').settings, Date.now, async (name) => secrets[name]);
  const oidc = { Issuer: 'https://id.example.org', ClientId: 'signalbox', ClientSecret: 'client' };

  it('are the secrets in the settings', async () => {
    const found = await read({ UsersSecret: 'users', Oidc: oidc }, { users: `anna:viewer:${hash}`, client: 's' });
    expect([found.users.length, found.oidc !== undefined, found.problems]).toEqual([1, true, []]);
  });

  it('let no user in if a secret is missing, and name it', async () => {
    const { users, oidc: provider, problems } = await read({ UsersSecret: 'users', Oidc: { ...oidc, CA: 'ca' } }, {});
    expect([users, provider]).toEqual([[], undefined]);
    expect(problems.map(({ label, value }) => [label, value])).toEqual([
      ['UsersSecret', 'users'],
      ['Oidc.ClientSecret', 'client'],
      ['Oidc.CA', 'ca'],
    ]);
  });
});

describe('Named users', () => {
  it('sign in with their password, and with no other', async () => {
    await using box = await AdminWorld.open();
    const user = await box.ask('/api/user', { headers: await box.bearer('otto') });
    expect(JSON.parse(user.body)).toEqual({ name: 'otto', role: 'operator', via: 'password', cluster: null });
    expect((await box.guess('a long password', { user: 'otto' })).status).toBe(401);
    expect((await box.guess('open sesame', { user: 'nobody' })).status).toBe(401);
  });

  it('are recorded by name and sign-in method', async () => {
    await using box = await AdminWorld.open();
    const headers = await box.bearer('otto');
    await box.ask('/api/interlock', { method: 'DELETE', headers });
    const [change] = JSON.parse((await box.ask('/api/audit', { headers })).body);
    expect(change).toMatchObject({
      who: 'otto',
      via: 'password',
      address: expect.stringContaining('127.0.0.1'),
      what: 'Switched off',
    });
  });

  const changed = async (name: string, line: string) =>
    usersText
      .split('\n')
      .map((text) => (text.startsWith(`${name}:`) ? line : text))
      .join('\n');

  it.each([
    ['is removed', async () => changed('anna', '')],
    ['has another password', async () => changed('anna', `anna:administrator:${await hashPassword('new password')}`)],
    ['has another role', async () => usersText.replace('anna:administrator', 'anna:viewer')],
  ])('lose their sessions and streams when one %s, and others keep theirs', async (_, next) => {
    const box = await AdminWorld.open();
    const [anna, otto] = [await box.bearer('anna'), await box.bearer('otto')];
    const page = pageHeaders(await box.session('anna'));
    const stream = await box.start('/api/events', { headers: anna });
    stream.on('error', () => {}).resume();
    // A changed secret is a new secret, for another task of the controller.
    await box[Symbol.asyncDispose]();
    await eventually(() => expect(stream.destroyed).toBe(true), { timeoutMs: 5000, intervalMs: 20 });
    await using replaced = await AdminWorld.open({ world: box.world, users: await next() });
    const ask = async (headers: Record<string, string>) => (await replaced.ask('/api/user', { headers })).status;
    expect(await ask(anna)).toBe(401);
    expect(await ask({ ...page, host: `localhost:${box.port}` })).toBe(401);
    expect(await ask(otto)).toBe(200);
  });
});

describe('Passwords', () => {
  it('are verified two at a time, with a limited queue', async () => {
    const accounts = new Accounts({ adminPassword: 'a', viewerPassword: 'v', users: parseUsers(usersText).users });
    const verified = await Promise.all(Array.from({ length: 20 }, () => accounts.verify('anna', 'wrong')));
    expect(verified.filter((result) => result === 'busy').length).toBe(20 - 2 - 16);
    expect(await accounts.verify('anna', 'a long password')).toMatchObject({ name: 'anna' });
  });

  it('of unknown users take as much work', async () => {
    const accounts = new Accounts({ adminPassword: 'a', viewerPassword: 'v', users: parseUsers(usersText).users });
    const verified = await Promise.all(Array.from({ length: 20 }, () => accounts.verify('nobody', 'wrong')));
    expect(verified).toContain('busy');
  });
});

it('A limiter runs as many as allowed, in order, and continues after a failure', async () => {
  const limiter = new Limiter(1, 2);
  const ran: string[] = [];
  const task = (name: string) => async () => {
    ran.push(name);
    if (name === 'a') throw new Error('failed');
    return name;
  };
  const results = [task('a'), task('b'), task('c'), task('d')].map((one) => limiter.run(one));
  expect(results[3]).toBeUndefined();
  await expect(results[0]).rejects.toThrow('failed');
  expect(await Promise.all(results.slice(1, 3))).toEqual(['b', 'c']);
  expect(ran).toEqual(['a', 'b', 'c']);
  expect(await limiter.run(task('e'))).toBe('e');
});
