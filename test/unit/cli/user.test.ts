import { expect, it } from 'vitest';
import { isPassword } from '../../../src/controller/admin/password-hash.ts';
import { parseUsers } from '../../../src/controller/admin/users.ts';
import { signalbox } from '../../support/command-line.ts';

it('Prints a line that the users secret accepts, with the hash of the password', async () => {
  const argv = ['user', 'anna', '--role', 'operator', '--password-file', '-'];
  const { code, out } = await signalbox(argv, { stdin: 'correct horse battery\n' });
  const { users, problems } = parseUsers(out);
  expect([code, problems]).toEqual([0, []]);
  expect(users).toMatchObject([{ name: 'anna', role: 'operator' }]);
  expect(await isPassword('correct horse battery', users[0]!.hash)).toBe(true);
  expect((await signalbox(argv, { stdin: 'correct horse battery\n' })).out).not.toBe(out);
});

it.each([
  [['user'], 'Missing argument: user.'],
  [['user', 'an:na', '--role', 'viewer'], 'is not a valid name'],
  [['user', 'anna'], 'Invalid or missing --role. Choose one of: viewer, operator, administrator.'],
  [['user', 'anna', '--role', 'viewer'], 'Missing password.'],
  [['user', 'anna', '--role', 'viewer', '--password-file', '-'], 'shorter than 12 characters'],
])('Rejects %j', async (argv, message) => {
  expect(await signalbox(argv, { stdin: 'short' })).toMatchObject({ code: 2, err: expect.stringContaining(message) });
});
