// A compromised proxy or extension can report anything. It must not affect other clusters.

import { pino } from 'pino';
import { expect, it } from 'vitest';
import { ClusterRuns } from '../../src/controller/reconcile/cluster-runs.ts';
import { ReconcileLoop } from '../../src/controller/reconcile/loop.ts';
import { RetryableError } from '../../src/lib/retryable.ts';
import { aService } from '../support/builders.ts';
import { ControllerWorld, serverOf } from '../support/controller-world.ts';
import { eventually } from '../support/eventually.ts';
import { secretFacts } from '../support/facts.ts';

const settings = {
  Extensions: { default: {}, east: { ServiceCluster: 'east', PublishedPort: 8081, PublishedSSLPort: 8444 } },
};
const digest = '0123456789abcdef';

it('replicas that are not tasks of the proxy service are ignored', async () => {
  const world = new ControllerWorld({ agents: true });
  world.swarm.deploy(aService('app'));
  await world.settle();
  const { agents } = world.extension;
  const fakes = Array.from({ length: 1100 }, (_, n) => ({ task: `fake${n}`, boot: digest }));
  world.extension.agents = (service) => [...fakes, ...agents(service)];
  const tasks = world.swarm.service('signalbox-proxy').tasks.length;

  world.swarm.deploy(aService('shop'));
  await world.settle();

  expect(serverOf(world.served(), 'shop.example.org')).toBeDefined();
  expect(world.swarm.service('signalbox-proxy').tasks).toHaveLength(tasks);
  expect(world.status.outcomes[0]!.tasks.map(({ id }) => id)).not.toContain('fake0');
  expect(world.status.outcomes[0]!.served).toBe(world.status.outcomes[0]!.version);
});

it('the extension receives the task addresses of its own proxies only', async () => {
  const world = new ControllerWorld({ agents: true });
  world.swarm.deploy(aService('app'));
  await world.settle();
  const proxy = world.swarm.service('signalbox-proxy');
  proxy.giveAddress(0, 'signalbox', '10.0.9.5');

  await world.settle();

  const [first, second] = proxy.tasks.map(({ id }) => id);
  expect(world.extension.introduced.get('signalbox-extension')).toEqual([
    { task: first, addresses: ['10.0.9.5'] },
    { task: second, addresses: [] },
  ]);
});

it('a service with our labels is not mistaken for the proxies', async () => {
  const world = new ControllerWorld({ agents: true });
  world.swarm.deploy(aService('app'));
  await world.settle();
  world.swarm.imitate('signalbox-proxy', 'evil');
  world.swarm.imitate('signalbox-extension', 'evil-extension');
  const before = world.swarm.service('signalbox-proxy').id;

  world.swarm.deploy(aService('shop'));
  await world.settle();

  expect(world.swarm.service('signalbox-proxy').id).toBe(before);
  expect(serverOf(world.served(), 'shop.example.org')).toBeDefined();
});

it('secret reports apply only to the cluster of the proxy that sends them', async () => {
  const world = new ControllerWorld({ agents: true, settings });
  await world.swarm.createSecret({ name: 'site', labels: {}, data: '' });
  world.swarm.deploy(aService('app', { lb: { ssl_cert: 'site' } }));
  world.swarm.deploy(aService('other', { lb: { ssl_cert: 'site', service_cluster: 'east' } }));
  await world.settle();
  const { extension } = world;
  const reports = extension.reports.bind(extension);
  const lie = secretFacts('site', { isBroken: true, rejected: 'bad base64 decode' });
  extension.reports = (service) => {
    const found = reports(service);
    return found && (service.includes('east') ? { ...found, secrets: [lie] } : found);
  };

  await world.settle();

  const complaints = world.problems.filter(({ reason }) => reason.includes('is rejected'));
  expect(complaints.map(({ service }) => service)).toEqual(['other']);
  expect(serverOf(world.served(), 'app.example.org')).not.toContain('return 503');
});

it('an extension that never answers does not delay other clusters', async () => {
  const world = new ControllerWorld({ agents: true, settings });
  world.swarm.deploy(aService('app'));
  world.swarm.deploy(aService('other', { lb: { service_cluster: 'east' } }));
  await world.settle();
  const { extension } = world;
  const render = extension.render.bind(extension);
  let hung = 0;
  const released = Promise.withResolvers<void>();
  extension.render = async (service, input, signal, boot) => {
    if (!service.includes('east')) return render(service, input, signal, boot);
    hung += 1;
    await released.promise;
    throw new RetryableError('Extension signalbox-extension-east: render request failed: timed out after 120 s');
  };
  const stop = new AbortController();
  const { board } = world;
  const timing = { holdoffMs: 10, maxHoldoffMs: 50, rollingMs: 50, now: world.swarm.clock.now };
  const loop = new ReconcileLoop({
    pass: world.controllerPass,
    status: board,
    logger: pino({ level: 'silent' }),
    ...timing,
  });
  world.onLate = () => loop.trigger();
  const running = loop.run(stop.signal);
  await eventually(() => expect(hung).toBe(1), { intervalMs: 20 });

  for (const name of ['shop', 'blog', 'wiki']) {
    world.swarm.deploy(aService(name));
    loop.trigger();
    await eventually(() => expect(serverOf(world.served(), `${name}.example.org`)).toBeDefined(), { intervalMs: 20 });
  }
  expect(hung).toBe(1);

  released.resolve();
  await eventually(() => expect(board.error).toMatch(/timed out after 120 s/), { intervalMs: 20 });
  extension.render = render;
  world.swarm.deploy(aService('last', { lb: { service_cluster: 'east' } }));
  loop.trigger();
  await eventually(() => expect(serverOf(world.served('signalbox-proxy-east'), 'last.example.org')).toBeDefined(), {
    intervalMs: 20,
  });
  await eventually(() => expect(board.error).toBeUndefined(), { intervalMs: 20 });
  stop.abort();
  await running;
});

it('a cluster that is switched off while its extension hangs stays off', async () => {
  const runs = new ClusterRuns();
  const { signal } = new AbortController();
  const triggered = Promise.resolve();
  const aborted: string[] = [];
  const hang = (name: string) => ({
    name,
    run: (signal: AbortSignal) =>
      new Promise<never>((_, reject) => {
        signal.addEventListener('abort', () => {
          aborted.push(name);
          reject(signal.reason);
        });
      }),
  });

  expect(await runs.run([hang('a'), hang('b')], { signal, seenAt: 1, triggered })).toEqual([undefined, undefined]);
  await runs.run([], { signal, seenAt: 2, triggered });

  expect(aborted).toEqual(['a', 'b']);
  expect(await runs.run([hang('a'), hang('b')], { signal, seenAt: 3, triggered })).toEqual([undefined, undefined]);
});
