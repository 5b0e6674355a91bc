import { type CredentialsFor, readRegistries } from '../model/own-services/registry.ts';
import type { Problem } from '../model/problem.ts';
import { asGiven, problemKind } from '../model/problem-kind.ts';
import type { CoreSettings } from '../model/settings/keys.ts';
import { readNamedSecret } from './own-secrets.ts';

export const registryUnusable = problemKind({
  id: 'registry-secret-unusable',
  severity: 'error',
  meaning: `The secret with credentials for the registry cannot be used. Images are pulled without credentials.`,
  ...asGiven,
  example: [
    'is not a secret of this swarm',
    'Create it: docker secret create <new name> ~/.docker/config.json. Then name it in the settings.',
  ],
  at: 'RegistrySecret "registry"',
});

/** Reads the credentials for pulling images. A missing or invalid secret stops nothing: images may be on the nodes already. */
export async function readRegistrySecret(
  { RegistrySecret: name }: Pick<CoreSettings, 'RegistrySecret'>,
  read: (name: string) => Promise<string | undefined> = readNamedSecret,
): Promise<{ readonly credentialsFor: CredentialsFor; readonly problems: readonly Problem[] }> {
  const none = () => undefined;
  if (name === '') return { credentialsFor: none, problems: [] };
  const text = await read(name);
  const credentialsFor = text === undefined ? undefined : readRegistries(text);
  if (credentialsFor !== undefined) return { credentialsFor, problems: [] };
  const reason = text === undefined ? 'is not a secret of this swarm' : 'is not the config.json of docker login';
  const remedy = `Create it: docker secret create <new name> ~/.docker/config.json. Then name it in the settings.`;
  return {
    credentialsFor: none,
    problems: [{ ...registryUnusable(reason, remedy), label: 'RegistrySecret', value: name }],
  };
}
