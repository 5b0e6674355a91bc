import { hashPassword } from '../controller/admin/password-hash.ts';
import { USER_NAME } from '../controller/admin/users.ts';
import { roleSchema, roles } from '../model/access/roles.ts';
import { defineCommand } from './command.ts';
import { exitCodes, UsageError, writeJson } from './io.ts';
import { passwordOption, readPassword } from './password.ts';

const MIN_LENGTH = 12;

export const user = defineCommand({
  name: 'user',
  usage: '<name> --role <role>',
  summary: "Print a user's line for the users secret, with a hash of the password. Needs no controller.",
  details: 'The setting UsersSecret names the Docker secret. A user listed twice cannot sign in.',
  examples: [
    'signalbox user alice --role operator',
    'signalbox user alice --role operator --password-file - <password >>users',
  ],
  options: {
    role: { type: 'string', value: 'role', description: `${roles.join(', ')}.` },
    ...passwordOption,
  },
  async run(values, [name, ...more], io) {
    if (name === undefined || more.length > 0) throw new UsageError('Missing argument: user.');
    if (!USER_NAME.test(name)) throw new UsageError(`${name} is not a valid name. Use letters, digits, and . _ @ -`);
    const role = roleSchema.safeParse(values.role).data;
    if (role === undefined) throw new UsageError(`Invalid or missing --role. Choose one of: ${roles.join(', ')}.`);
    const password = await readPassword(values, `New password of ${name}: `, io);
    if (password === undefined) throw new UsageError('Missing password. See --password-file.');
    if (password.length < MIN_LENGTH) throw new UsageError(`The password is shorter than ${MIN_LENGTH} characters.`);
    const hash = await hashPassword(password);
    if (values.json) writeJson(io, { name, role, hash });
    else io.out(`${name}:${role}:${hash}\n`);
    return exitCodes.done;
  },
});
