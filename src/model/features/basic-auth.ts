import { z } from 'zod';
import { judgeUsers } from '../access/users.ts';
import { boolean, label } from '../labels/label.ts';
import { ineffectiveLabel } from '../labels/label-problems.ts';
import type { LabelReader } from '../labels/label-reader.ts';
import type { SecretRef } from '../route.ts';
import { feature } from './feature.ts';
import { repeatedBytes, spellings } from './request-headers.ts';

interface BasicAuth {
  /** The secret with the users. */
  readonly users: SecretRef;
  /** '' is the host. */
  readonly realm: string;
  /** The service receives the header `Authorization` too. */
  readonly forward: boolean;
  /** Requests have more headers to repeat. */
  readonly acceptsUnderscores?: true | undefined;
}

const SECRET_NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/;
/** nginx puts the realm between quotes without an escape. The value `off` would disable the check. */
const REALM = /^(?!off$)[A-Za-z0-9 !#%&'()*+,./:;<=>?@[\]^_`{|}~-]{1,64}$/i;

const basicAuthUsers = label({
  name: 'basic_auth',
  policy: 'protective',
  type: 'name of a secret',
  default: '',
  example: 'shop-users',
  description:
    'Clients must sign in with a name and a password (HTTP basic authentication). The secret has a line `name:hash` for each user, with bcrypt (cost 10 at most), `$apr1$` or `$6$`. The service receives the name in `X-Forwarded-User`. If the secret is missing or a line is wrong, the route answers 503. See [authentication](guides/authentication.md).',
  schema: z.string().trim().regex(SECRET_NAME, 'is not the name of a secret: users and hashes belong in the secret'),
  // Who mistakes the label for the list of users must not find it in the log.
  hides: (value) => !SECRET_NAME.test(value.trim()),
});
const realm = label({
  name: 'basic_auth_realm',
  policy: 'optional',
  type: 'text of up to 64 ASCII characters, without `"`, `\\` and `$`',
  default: '',
  example: 'Shop',
  description: 'What browsers show when they ask for name and password. Defaults to the host.',
  schema: z
    .string()
    .trim()
    .regex(REALM, 'is not a text of up to 64 ASCII characters without ", \\ and $, other than "off"'),
});
const forward = label({
  name: 'basic_auth_forward',
  policy: 'protective',
  type: 'boolean',
  default: 'false',
  example: 'true',
  description: 'The service receives the header `Authorization`, with name and password. Requires `basic_auth`.',
  schema: boolean,
});

export const basicAuth = feature({
  labels: { basic_auth: basicAuthUsers, basic_auth_realm: realm, basic_auth_forward: forward },
  read(reader, { readSecret, cluster }): BasicAuth | undefined {
    const ownRealm = reader.read(realm);
    const forwards = reader.read(forward);
    const users = readSecret(basicAuthUsers, judgeUsers);
    if (!reader.has('basic_auth')) {
      if (ownRealm !== undefined) noteUnused(reader, realm);
      if (forwards) noteUnused(reader, forward);
    }
    if (users === undefined) return undefined;
    return { users, realm: ownRealm ?? '', forward: forwards ?? false, ...spellings(cluster) };
  },
  message: z.object({
    users: z.string().regex(SECRET_NAME),
    realm: z.string().regex(REALM).or(z.literal('')),
    forward: z.boolean(),
    acceptsUnderscores: z.literal(true).optional(),
  }),
  conflict: 'basic_auth',
  stage: 'sign-in',
  explain: ({ users, realm, forward }) => ({
    basic_auth: `Clients sign in with a name and password from the secret ${users}; others receive 401. The service receives the name in X-Forwarded-User.`,
    basic_auth_realm: realm === '' ? undefined : `Browsers show "${realm}" when they ask for name and password.`,
    basic_auth_forward: forward ? 'The service receives the header Authorization, with name and password.' : undefined,
  }),
  protection: ({ users, forward }) => [users, forward],
  bytes: ({ users, realm, acceptsUnderscores }) =>
    100 + users.length + 2 * realm.length + repeatedBytes(acceptsUnderscores),
  secrets: ({ users }) => [users],
  withSecrets: (value, rename) => ({ ...value, users: rename(value.users) }),
  partial: 'basic-auth',
  checks: true,
  view: ({ users, realm }) => ({ users, realm }),
  requestHeaders: ({ forward }) => [
    { name: 'X-Forwarded-User', variable: 'remote_user' },
    ...(forward ? [] : [{ name: 'Authorization' }]),
  ],
  definitions: ({ realm }) =>
    realm === '' ? [{ key: 'basic_auth_realm', bytes: 200, partial: 'define-basic-auth-realm' }] : [],
});

function noteUnused(reader: LabelReader, definition: typeof realm | typeof forward): void {
  reader.note(definition, ineffectiveLabel('has no effect without basic_auth', 'Set basic_auth, or remove the label.'));
}
