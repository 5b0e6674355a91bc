// Identities of the control channel are valid for two years. A swarm runs for longer.
import { expect, it } from 'vitest';
import { expiresLabel } from '../../src/model/names.ts';
import { aService } from '../support/builders.ts';
import { ControllerWorld, serverOf } from '../support/controller-world.ts';

const month = 30 * 24 * 3_600_000;

it('extension and proxies get new identities in time, with one roll-out each, for ten years', async () => {
  const world = new ControllerWorld({ agents: true });
  const { swarm } = world;
  swarm.deploy(aService('app'));
  await world.settle();
  const attached = (service: string): string[] =>
    swarm
      .service(service)
      .spec.TaskTemplate.ContainerSpec.Secrets.map(({ SecretName }: { SecretName: string }) => SecretName);
  const expiryOf = (name: string) => {
    const secret = swarm.secrets.find((secret) => secret.name === name);
    return Date.parse(secret?.labels[expiresLabel] ?? '');
  };
  const seen = new Set<string>();
  const rollouts: string[] = [];

  for (let passed = 0; passed < 120; passed++) {
    swarm.clock.advance(month);
    rollouts.push(...(await world.writesOf(() => world.settle())).filter((write) => write.startsWith('updateService')));
    const own = ['signalbox-extension', 'signalbox-proxy'].flatMap(attached);
    expect(own).toHaveLength(2);
    for (const name of own) {
      expect(expiryOf(name)).toBeGreaterThan(swarm.clock.now() + 4 * month);
      seen.add(name);
    }
    expect(serverOf(world.served(), 'app.example.org')).not.toContain('return 503');
  }

  expect(seen.size).toBeGreaterThanOrEqual(10);
  expect(rollouts.length).toBeLessThanOrEqual(seen.size);
});
