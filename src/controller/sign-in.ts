import type { Problem } from '../model/problem.ts';
import { problemKind } from '../model/problem-kind.ts';
import type { OidcSettings } from '../model/settings/keys.ts';
import type { Settings } from '../model/settings/settings.ts';
import { Oidc } from './admin/oidc.ts';
import { type NamedUser, parseUsers } from './admin/users.ts';
import { readNamedSecret } from './own-secrets.ts';

export const signInUnavailable = problemKind({
  id: 'oidc-secret-missing',
  severity: 'error',
  meaning: `A secret for sign-in with OpenID Connect is missing. Sign-in with passwords and tokens works.`,
  reason: (_remedy: string) => 'is not a secret of this swarm',
  remedy: (remedy) => remedy,
  example: ['Create the secret, then restart the controller: docker service update --force signalbox_controller.'],
  at: 'Oidc.ClientSecret "oidc"',
});

export interface SignInSources {
  readonly users: readonly NamedUser[];
  /** Undefined if users sign in with passwords only. */
  readonly oidc: Oidc | undefined;
  readonly problems: readonly Problem[];
}

/** Reads from settings and secrets who may sign in besides `admin` and `viewer`. Missing or invalid entries admit no one and stop nothing. */
export async function readSignIn(
  { core, oidc }: Pick<Settings, 'core' | 'oidc'>,
  now: () => number,
  read: (name: string) => Promise<string | undefined> = readNamedSecret,
): Promise<SignInSources> {
  const named = await readUsers(core.UsersSecret, read);
  const provider = oidc && (await readOidc(oidc, now, read));
  return { users: named.users, oidc: provider?.oidc, problems: [...named.problems, ...(provider?.problems ?? [])] };
}

type Read = (name: string) => Promise<string | undefined>;

async function readUsers(name: string, read: Read): Promise<ReturnType<typeof parseUsers>> {
  const text = name === '' ? '' : await read(name);
  return text === undefined ? { users: [], problems: [notMounted('UsersSecret', name)] } : parseUsers(text);
}

async function readOidc(settings: OidcSettings, now: () => number, read: Read) {
  const clientSecret = settings.ClientSecret === '' ? undefined : await read(settings.ClientSecret);
  const ca = settings.CA === '' ? undefined : await read(settings.CA);
  const problems = [
    ...(settings.ClientSecret !== '' && clientSecret === undefined
      ? [notMounted('Oidc.ClientSecret', settings.ClientSecret)]
      : []),
    ...(settings.CA !== '' && ca === undefined ? [notMounted('Oidc.CA', settings.CA)] : []),
  ];
  // Without its secret, it would act as a public client.
  const oidc = problems.length === 0 ? new Oidc({ settings, clientSecret, ca, now }) : undefined;
  return { oidc, problems };
}

function notMounted(label: string, value: string): Problem {
  const remedy = `Create the secret, then restart the controller: docker service update --force signalbox_controller.`;
  return { ...signInUnavailable(remedy), label, value };
}
