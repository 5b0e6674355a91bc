import { describe, expect, it } from 'vitest';
import { DockerAdministrationStore } from '../../../../src/controller/docker/administration-store.ts';
import { ConflictError } from '../../../../src/controller/ports.ts';
import { FakeDocker } from '../../../support/fake-docker.ts';

const names = (docker: FakeDocker) =>
  [...docker.objects.config.values()].map(({ Spec }) => (Spec as { Name: string }).Name);

describe('what administrators decided', () => {
  it('is empty at first, and then what was saved last', async () => {
    const docker = new FakeDocker();
    const store = new DockerAdministrationStore(docker.client);

    expect(await store.load()).toBeUndefined();
    for (const revision of [1, 2, 9, 10]) await store.save({ revision, text: `ä${revision}` });
    expect(await store.load()).toEqual({ revision: 10, text: 'ä10' });
    expect(names(docker)).toEqual(['signalbox.administration.10']);
  });

  it('is not overwritten by a controller that has not seen the latest version', async () => {
    const docker = new FakeDocker();
    const store = new DockerAdministrationStore(docker.client);
    await store.save({ revision: 1, text: 'one' });
    await store.save({ revision: 2, text: 'two' });

    await expect(store.save({ revision: 2, text: 'other' })).rejects.toThrow(ConflictError);
    // The name is free again, but it is still too late.
    await expect(store.save({ revision: 1, text: 'other' })).rejects.toThrow(ConflictError);
    expect(await store.load()).toEqual({ revision: 2, text: 'two' });
    expect(names(docker)).toEqual(['signalbox.administration.2']);
  });

  it('can be read while it is replaced', async () => {
    const docker = new FakeDocker();
    const store = new DockerAdministrationStore(docker.client);
    await store.save({ revision: 1, text: 'one' });
    docker.before = async (call) => {
      if (!call.startsWith('inspect')) return;
      docker.before = async () => {};
      await store.save({ revision: 2, text: 'two' });
      throw Object.assign(new Error('gone'), { statusCode: 404 });
    };

    expect(await store.load()).toEqual({ revision: 2, text: 'two' });
  });
});
