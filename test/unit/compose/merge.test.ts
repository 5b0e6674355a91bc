import { expect, it } from 'vitest';
import type { Snapshot } from '../../../src/model/snapshot.ts';
import { load, readCompose } from '../../support/compose.ts';

function sorted({ services, networks, secrets, hostTasks }: Snapshot) {
  const byName = (a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : 1);
  const byText = (a: unknown, b: unknown) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1);
  const plain = services.map((service) => ({
    ...service,
    networkIds: service.networkIds.toSorted(),
    ports: service.ports.toSorted(byText),
  }));
  return {
    services: plain.toSorted(byName),
    networks: networks.toSorted(byName),
    secrets: secrets.toSorted(byName),
    hostTasks: hostTasks.map(({ serviceId }) => serviceId),
  };
}

it('merges several files as docker does', () => {
  const files = { 'base.yml': readCompose('merge/base.yml'), 'override.yml': readCompose('merge/override.yml') };
  const variables = (name: string) => (name === 'PORT' ? '' : undefined);

  const ours = load(files, { variables });
  const dockers = load({ 'merged.yml': readCompose('merge/merged.yml') });

  expect(sorted(ours.snapshot)).toEqual(sorted(dockers.snapshot));
  expect(ours.snapshot.services).toHaveLength(4);
});
