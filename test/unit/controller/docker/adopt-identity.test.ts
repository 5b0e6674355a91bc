import type Docker from 'dockerode';
import { expect, it } from 'vitest';
import { adoptIdentity, existingSecrets, restoreIdentity } from '../../../../src/controller/docker/adopt-identity.ts';
import { namedSecrets } from '../../../../src/controller/own-secrets.ts';
import { createLogger } from '../../../../src/lib/logger.ts';
import { parseSettings } from '../../../../src/model/settings/settings.ts';

interface Mounted {
  readonly SecretName: string;
  readonly File: { readonly Name: string };
}

/** An engine with these secrets, and a controller service that mounts some. */
function anEngine(names: readonly string[], mounted: readonly Mounted[]) {
  const secrets = new Map(names.map((name) => [name, `id-${name}`]));
  const spec = { TaskTemplate: { ContainerSpec: { Secrets: mounted } } };
  const service = { Version: { Index: 7 }, Spec: spec };
  const listSecrets = async ({ filters }: { readonly filters: { readonly name: readonly string[] } }) =>
    [...secrets]
      .filter(([name]) => name.startsWith(filters.name[0]!))
      .map(([Name, ID]) => ({ ID, CreatedAt: '2026-01-01T00:00:00Z', Version: { Index: 1 }, Spec: { Name } }));
  const createSecret = async ({ Name }: { readonly Name: string }) => {
    secrets.set(Name, `id-${Name}`);
    return { id: `id-${Name}` };
  };
  const writes: number[] = [];
  /** Called between reading the service and the next write. */
  const race = { before: () => {} };
  const getService = () => ({
    inspect: async () => structuredClone(service),
    update: async ({ version, TaskTemplate }: { readonly version: number } & typeof spec) => {
      race.before();
      if (version !== service.Version.Index) throw new Error('rpc error: desc = update out of sequence');
      service.Version.Index += 1;
      writes.push(version);
      Object.assign(service.Spec, { TaskTemplate });
    },
  });
  /** What `docker stack deploy` does: applies the stack file's specification, without what the controller added. */
  const deploy = () => {
    service.Version.Index += 1;
    service.Spec = { TaskTemplate: { ContainerSpec: { Secrets: [] } } };
  };
  const attached = () =>
    service.Spec.TaskTemplate.ContainerSpec.Secrets.map(({ SecretName, File }) => `${SecretName} at ${File.Name}`);
  const docker = { listSecrets, createSecret, getService } as unknown as Docker;
  return { docker, attached, secrets, writes, race, deploy, specOf: () => structuredClone(service.Spec) };
}

const logger = createLogger('test', 'silent');
const own = { name: 'signalbox.admin-password', target: 'signalbox-admin-password', create: async () => 'x' };
const settings = (UsersSecret: string) => parseSettings({ UsersSecret }, '1.0.0').settings;

it('Secrets in the settings are attached to the controller, and those of former settings are detached', async () => {
  const mounted = [
    { SecretName: 'users-1', File: { Name: 'signalbox-named-users-1' } },
    { SecretName: 'our-certificate', File: { Name: 'signalbox-admin.cert' } },
  ];
  const { docker, attached } = anEngine(['users-1', 'users-2', 'users-20', 'our-certificate'], mounted);
  await adoptIdentity(docker, 'controller', [own, ...namedSecrets(settings('users-2'))], logger);
  expect(attached().toSorted()).toEqual([
    'our-certificate at signalbox-admin.cert',
    'signalbox.admin-password at signalbox-admin-password',
    'users-2 at signalbox-named-users-2',
  ]);
});

it('A secret that does not exist is neither created nor attached', async () => {
  const { docker, attached, secrets } = anEngine(['users-20'], []);
  const named = namedSecrets(settings('users-2'));
  expect(await existingSecrets(docker, named)).toEqual([]);
  await adoptIdentity(docker, 'controller', [own, ...named], logger);
  expect(attached()).toEqual(['signalbox.admin-password at signalbox-admin-password']);
  expect(secrets.has('users-2')).toBe(false);
});

const other = { name: 'signalbox.controller', target: 'signalbox-controller', create: async () => 'y' };

it('A redeploy removes nothing: the specification stays the same, so Swarm replaces no task', async () => {
  const { docker, specOf, deploy, writes } = anEngine(['users'], []);
  const named = namedSecrets(settings('users'));
  await adoptIdentity(docker, 'controller', [own, other, ...named], logger);
  const before = specOf();

  deploy();
  await restoreIdentity(docker, 'controller', { required: [own, other], named }, logger);
  expect(specOf()).toEqual(before);

  await restoreIdentity(docker, 'controller', { required: [own, other], named }, logger);
  await adoptIdentity(docker, 'controller', [own, other, ...named], logger);
  expect(writes).toHaveLength(2);
});

it('A running controller leaves secrets that the settings name to its successor', async () => {
  const { docker, attached, writes } = anEngine(['users-1', 'users-2'], []);
  await adoptIdentity(docker, 'controller', [own, ...namedSecrets(settings('users-2'))], logger);
  const before = attached();

  const named = namedSecrets(settings('users-1'));
  await restoreIdentity(docker, 'controller', { required: [own], named }, logger);
  expect(attached()).toEqual(before);
  expect(writes).toHaveLength(1);
});

it('Secrets are attached although the stack is deployed at the same moment', async () => {
  const { docker, attached, race, deploy } = anEngine([], []);
  race.before = () => {
    race.before = () => {};
    deploy();
  };
  await adoptIdentity(docker, 'controller', [own], logger);
  expect(attached()).toEqual(['signalbox.admin-password at signalbox-admin-password']);
});
