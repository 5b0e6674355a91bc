import { type Role, roleSchema, roles } from '../../model/access/roles.ts';
import type { Problem } from '../../model/problem.ts';
import { asGiven, problemKind } from '../../model/problem-kind.ts';
import { type PasswordHash, parsePasswordHash } from './password-hash.ts';

export const usersInvalid = problemKind({
  id: 'users-invalid',
  severity: 'error',
  meaning: `A line of the secret with users is invalid. Its user cannot sign in.`,
  ...asGiven,
  example: [
    'line 2 has no valid role after the name: viewer, operator, admin',
    'Create each line with: signalbox user <name> --role <role>.',
  ],
  at: 'UsersSecret',
});

/** A user of the users' secret. */
export interface NamedUser {
  readonly name: string;
  readonly role: Role;
  /** The hash as written in the secret. */
  readonly text: string;
  readonly hash: PasswordHash;
}

/** They have separate secrets. */
const BUILT_IN: readonly string[] = ['admin', 'viewer'];
const MAX_USERS = 1000;
export const USER_NAME = /^[a-zA-Z0-9][a-zA-Z0-9._@-]{0,63}$/;

/**
 * Users of a secret, one line `name:role:hash` for each. An invalid line is ignored and does not affect other lines. Problems never show
 * a line, because it may contain a password.
 */
export function parseUsers(text: string): {
  readonly users: readonly NamedUser[];
  readonly problems: readonly Problem[];
} {
  const parsed = text.split(/\r?\n/).flatMap((line, index) => {
    const isComment = line.trim() === '' || line.startsWith('#');
    return isComment ? [] : [{ number: index + 1, result: parseLine(line.trim()) }];
  });
  const users = parsed.flatMap(({ result }) => (typeof result === 'string' ? [] : [result]));
  const wrong = parsed.flatMap(({ number, result }) =>
    typeof result === 'string' ? [usersProblem(`line ${number} ${result}`)] : [],
  );
  const named = Map.groupBy(users, ({ name }) => name);
  // It is unclear which line is current, and an old password must not keep working.
  const repeated = [...named].filter(([, same]) => same.length > 1).map(([name]) => name);
  return {
    users: users.filter(({ name }) => !repeated.includes(name)).slice(0, MAX_USERS),
    problems: [
      ...wrong,
      ...repeated.map((name) => usersProblem(`has the user ${name} more than once; that user cannot sign in`)),
      ...(users.length > MAX_USERS ? [usersProblem(`has more than ${MAX_USERS} users`)] : []),
    ],
  };
}

/** The user, or the error if the line is invalid. */
function parseLine(line: string): NamedUser | string {
  const [name = '', role, text = '', ...more] = line.split(':');
  if (!USER_NAME.test(name)) return 'does not start with a name of letters, digits and . _ @ -';
  if (BUILT_IN.includes(name)) return `is for ${name}, which has a separate secret`;
  const known = roleSchema.safeParse(role).data;
  if (known === undefined) return `has no valid role after the name: ${roles.join(', ')}`;
  const hash = more.length > 0 ? undefined : parsePasswordHash(text);
  if (hash === undefined) return 'has no password hash of the form scrypt$15$salt$hash after the role';
  return { name, role: known, text, hash };
}

export function usersProblem(reason: string): Problem {
  const remedy = 'Create each line with: signalbox user <name> --role <role>.';
  return { ...usersInvalid(reason, remedy), label: 'UsersSecret' };
}
