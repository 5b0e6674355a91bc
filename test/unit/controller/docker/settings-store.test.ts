import { expect, it } from 'vitest';
import { ConfigStore } from '../../../../src/controller/docker/settings-store.ts';
import { roleLabel } from '../../../../src/model/names.ts';
import { FakeDocker } from '../../../support/fake-docker.ts';

const seen = { id: '1', name: 'signalbox.settings.1', labels: { [roleLabel]: 'settings' }, createdAt: '' };

it('Removed settings are saved again', async () => {
  const docker = new FakeDocker();
  // FakeDocker ignores filters: it lists the settings only.
  const store = new ConfigStore(docker.client, 'settings');
  await store.save('PollInterval = "3s"');
  docker.objects.config.clear();

  await store.restore('PollInterval = "3s"', []);

  expect(await store.load()).toBe('PollInterval = "3s"');
});

it('Settings of another controller stay, even if the swarm was observed too early to see them', async () => {
  const docker = new FakeDocker();
  const store = new ConfigStore(docker.client, 'settings');
  await store.save('PollInterval = "5s"');

  await store.restore('PollInterval = "3s"', [seen]);
  await store.restore('PollInterval = "3s"', []);

  expect(await store.load()).toBe('PollInterval = "5s"');
});

it('Two controllers that start at the same moment save the same settings, and neither fails', async () => {
  const docker = new FakeDocker();
  const store = new ConfigStore(docker.client, 'settings');
  await store.save('PollInterval = "3s"');

  await Promise.all([store.save('PollInterval = "5s"'), store.save('PollInterval = "5s"')]);

  expect(await store.load()).toBe('PollInterval = "5s"');
  expect(docker.objects.config.size).toBe(1);
});
