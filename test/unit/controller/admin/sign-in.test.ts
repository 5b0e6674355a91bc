// Password guessing against the real server, from several addresses.
import { expect, it } from 'vitest';
import { clientOf, SignInAttempts } from '../../../../src/controller/admin/attempts.ts';
import { AdminWorld, passwords } from '../../../support/admin-world.ts';

const count = (statuses: readonly number[], status: number) => statuses.filter((one) => one === status).length;

it('Of 300 parallel guesses five are checked', async () => {
  await using box = await AdminWorld.open({ limits: { connectionsOfClient: 400 } });
  const guesses = Array.from({ length: 300 }, (_, n) => (n === 150 ? passwords.admin : `guess ${n}`));
  const statuses = (await Promise.all(guesses.map((guess) => box.guess(guess)))).map(({ status }) => status);
  expect(count(statuses, 401) + count(statuses, 200)).toBeLessThanOrEqual(6);
  expect(count(statuses, 429)).toBeGreaterThanOrEqual(294);
});

it('Basic authentication counts as well', async () => {
  await using box = await AdminWorld.open();
  const basic = (password: string) => ({ authorization: `Basic ${btoa(`viewer:${password}`)}` });
  const scrape = async (password: string) => (await box.ask('/metrics', { headers: basic(password) })).status;
  expect(await scrape(passwords.viewer)).toBe(200);
  const statuses = await Promise.all(Array.from({ length: 30 }, () => scrape('wrong')));
  expect([count(statuses, 401), count(statuses, 429)]).toEqual([5, 25]);
  expect((await box.guess(passwords.admin)).status).toBe(429);
});

it('Many addresses are throttled together, except those that recently signed in', async () => {
  await using box = await AdminWorld.open();
  await box.bearer('admin', '127.0.0.9');
  const from = Array.from({ length: 60 }, (_, n) => `127.0.1.${n + 1}`);
  const statuses = await Promise.all(from.map(async (address) => (await box.guess('wrong', { from: address })).status));
  expect([count(statuses, 401), count(statuses, 429)]).toEqual([50, 10]);
  const held = await box.guess(passwords.admin, { from: '127.0.2.1' });
  expect([held.status, Number(held.headers['retry-after']) > 0]).toEqual([429, true]);
  expect((await box.guess(passwords.admin, { from: '127.0.0.9' })).status).toBe(200);
  box.skipped = 61_000;
  expect((await box.guess(passwords.admin, { from: '127.0.2.1' })).status).toBe(200);
});

it('A client that signed in before cannot guess more often than others', async () => {
  await using box = await AdminWorld.open();
  const statuses = [];
  for (let round = 0; round < 8; round++) {
    statuses.push((await box.guess(passwords.viewer, { user: 'viewer' })).status);
    statuses.push((await box.guess('wrong')).status);
  }
  expect(count(statuses, 401)).toBe(5);
});

it('Failed attempts are logged and recorded, in limited number, without the credentials sent', async () => {
  await using box = await AdminWorld.open();
  for (let times = 0; times < 9; times++) await box.guess('my other password', { from: '127.0.0.7' });
  await box.guess('x', { user: 'my password by mistake', from: '127.0.0.8' });
  const writes = await box.world.writesOf(() => box.failedSignIns.flush());
  expect(writes.filter((write) => write.startsWith('createConfig'))).toHaveLength(1);
  const entries = JSON.parse((await box.ask('/api/audit', { headers: await box.bearer('viewer') })).body);
  expect(entries).toMatchObject([
    { who: 'unknown user', address: expect.stringContaining('127.0.0.8'), what: 'Failed to sign in once' },
    {
      who: 'admin',
      address: expect.stringContaining('127.0.0.7'),
      what: 'Failed to sign in 5 times; 4 attempts rejected without checking the password',
    },
  ]);
  expect(box.logs.filter(({ msg }) => msg === 'Sign-in failed')).toHaveLength(6);
  expect(box.logs.filter(({ msg }) => msg === 'Sign-in attempts rejected')).toHaveLength(1);
  expect(JSON.stringify([entries, box.logs])).not.toMatch(/my (other )?password/);
});

it('A distributed attack creates few entries', async () => {
  await using box = await AdminWorld.open();
  for (let n = 0; n < 5000; n++) box.failedSignIns.record({ user: 'admin', address: `192.0.2.${n}`, held: n > 50 });
  await box.failedSignIns.flush();
  const { failedSignIns } = box.administrator.current;
  expect(failedSignIns).toHaveLength(51);
  expect(failedSignIns.map(({ who }) => who)).toContain('several users');
});

it.each([
  ['192.0.2.1', '192.0.2.1'],
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['2001:db8:1:2:3::4', '2001:db8:1:2::/64'],
  ['2001:db8::1', '2001:db8:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
])('%s is the client %s', (address, client) => {
  expect(clientOf(address)).toBe(client);
});

it('Addresses of one IPv6 network are one client', () => {
  const attempts = new SignInAttempts(() => 0);
  const begun = Array.from({ length: 8 }, (_, n) => attempts.begin(`2001:db8::${n + 1}`));
  expect(begun.filter((attempt) => 'waitSeconds' in attempt)).toHaveLength(3);
});
