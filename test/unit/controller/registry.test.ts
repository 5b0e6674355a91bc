import { expect, it } from 'vitest';
import { readRegistrySecret } from '../../../src/controller/registry.ts';

const config = JSON.stringify({ auths: { 'registry.example.org': { auth: btoa('user:password') } } });
const image = 'registry.example.org/signalbox/proxy:1';

it.each([
  ['no secret is named', '', {}, [], false],
  ['the secret has credentials', 'registry', { registry: config }, [], true],
  ['the secret is missing', 'registry', {}, ['is not a secret of this swarm'], false],
  ['the secret has other text', 'registry', { registry: 'x' }, ['is not the config.json of docker login'], false],
])('%s', async (_, RegistrySecret, secrets: Record<string, string>, reasons, hasCredentials) => {
  const { credentialsFor, problems } = await readRegistrySecret({ RegistrySecret }, async (name) => secrets[name]);

  expect(problems.map(({ reason }) => reason)).toEqual(reasons);
  expect(credentialsFor(image) !== undefined).toBe(hasCredentials);
});
