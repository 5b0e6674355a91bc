// A label may name any secret of the swarm. Only TLS material may reach the proxies, which face the internet.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { foreignLabel } from '../../src/model/names.ts';
import { foreignFacts } from '../../src/model/secrets/secret-facts.ts';
import { inspectSecrets } from '../../src/tls-material/inspect-secrets.ts';
import { aService } from '../support/builders.ts';
import { ControllerWorld, serverOf } from '../support/controller-world.ts';
import { secretFacts } from '../support/facts.ts';

let world: ControllerWorld;
const settings = { Extensions: { default: { MetricsSecret: 'metrics-token' } } };

beforeEach(async () => {
  world = new ControllerWorld({ agents: true, settings });
  for (const name of ['db-password', 'metrics-token', 'site', 'demo_site'])
    await world.swarm.createSecret({ name, labels: {}, data: '' });
  await world.swarm.createSecret({ name: 'shared', labels: { 'com.docker.lb.tls': 'true' }, data: '' });
  world.swarm.deploy(aService('other'));
  await world.settle();
});

const idOf = (name: string) => world.swarm.secrets.find((secret) => secret.name === name)!.id;
const mounted = () =>
  world.swarm
    .service('signalbox-proxy')
    .spec.TaskTemplate.ContainerSpec.Secrets.map(({ SecretName }: { SecretName: string }) => SecretName) as string[];
const reasons = () => world.problems.map(({ severity, reason }) => `${severity}: ${reason}`);
const isOpen = (host: string) => !serverOf(world.served(), host)!.includes('return 503');
const proxyUpdates = (writes: readonly string[]) => writes.filter((write) => write === 'updateService signalbox-proxy');

describe('a secret of Signalbox itself', () => {
  const uses = [
    { ssl_cert: '$' },
    { ssl_cert: 'site', ssl_key: '$' },
    { ssl_cert: 'site', ssl_client_ca: '$' },
    { ssl_backend: 'true', ssl_backend_ca: '$' },
  ];
  const identity = () => world.swarm.secrets.find(({ name }) => name.startsWith('signalbox.proxy'))!;

  it.each(uses)('is rejected if a label names it: %o', async (use) => {
    for (const name of ['metrics-token', 'signalbox-proxy', 'signalbox-controller']) {
      if (name !== 'metrics-token') await world.swarm.createSecret({ name, labels: {}, data: '' });
      const before = mounted();
      const lb = Object.fromEntries(Object.entries(use).map(([label, value]) => [label, value.replace('$', name)]));
      world.swarm.deploy(aService('evil', { lb }));
      await world.settle();

      expect(reasons()).toContain(`error: secret ${name} is reserved for Signalbox`);
      expect(mounted().filter((secret) => secret === name)).toEqual(before.filter((secret) => secret === name));
      expect(isOpen('other.example.org')).toBe(true);
      world.swarm.remove('evil');
      await world.settle();
    }
  });

  it('is rejected by its name before it is looked up', async () => {
    world.swarm.deploy(aService('evil', { lb: { ssl_cert: identity().name } }));
    await world.settle();

    expect(reasons()).toEqual([expect.stringMatching(/^error: .*control channel/)]);
  });

  it('is rejected if the controller mounts it', async () => {
    const observe = world.swarm.observe.bind(world.swarm);
    world.swarm.observe = async () => ({ ...(await observe()), controllerSecretIds: [idOf('db-password')] });
    world.swarm.deploy(aService('evil', { lb: { ssl_cert: 'db-password' } }));
    await world.settle();

    expect(reasons()).toEqual(['error: secret db-password is reserved for Signalbox']);
    expect(mounted()).not.toContain('db-password');
  });

  it('is rejected as the default certificate', async () => {
    const own = new ControllerWorld({
      agents: true,
      swarm: world.swarm,
      settings: { Extensions: { default: { MetricsSecret: 'metrics-token', DefaultCertificate: 'metrics-token' } } },
    });
    await own.settle();

    expect(own.problems).toMatchObject([
      { label: 'Extensions.default.DefaultCertificate', reason: 'secret metrics-token is reserved for Signalbox' },
    ]);
  });
});

describe('a secret that another service mounts', () => {
  const warning = (secret: string, users: string) =>
    `warning: secret ${secret} is sent to the proxies, but may not be intended for them: ${users}`;

  it('is a warning for the service whose label names it, and the warning names both', async () => {
    world.swarm.deploy(aService('db', { secretIds: [idOf('db-password')] }));
    world.swarm.deploy(aService('evil', { lb: { ssl_cert: 'db-password' } }));
    await world.settle();

    expect(reasons()).toEqual([warning('db-password', 'service db mounts it')]);
    expect(world.problems).toMatchObject([{ service: 'evil', label: 'com.docker.lb.ssl_cert' }]);
  });

  it('is a warning for the default certificate, too', async () => {
    world.swarm.deploy(aService('db', { secretIds: [idOf('db-password')] }));
    const own = world.restart({ Extensions: { default: { DefaultCertificate: 'db-password' } } });
    await own.settle();

    expect(own.problems).toMatchObject([
      { severity: 'warning', label: 'Extensions.default.DefaultCertificate', value: 'db-password' },
    ]);
  });

  it.each([
    ["if the other service's label allows it", 'shared', {}],
    ['if the other service names it as well', 'site', { lb: { ssl_cert: 'site' } }],
    [
      'if the other service names it by the name in its stack',
      'demo_site',
      {
        lb: { ssl_cert: 'site' },
        labels: { 'com.docker.stack.namespace': 'demo' },
      },
    ],
  ])('is not a warning %s', async (_, secret, options) => {
    await world.swarm.removeSecret(idOf(secret === 'demo_site' ? 'site' : 'demo_site'));
    world.swarm.deploy(aService('both', { secretIds: [idOf(secret)], ...options }));
    world.swarm.deploy(aService('app', { lb: { ssl_cert: secret } }));
    await world.settle();

    expect(reasons()).toEqual([]);
    expect(mounted()).toContain(secret);
  });

  it('is not a warning if only the service that names it mounts it', async () => {
    world.swarm.deploy(aService('app', { secretIds: [idOf('site')], lb: { ssl_cert: 'site' } }));
    await world.settle();

    expect(reasons()).toEqual([]);
  });

  it('gets and loses the warning as services come and go', async () => {
    world.swarm.deploy(aService('evil', { lb: { ssl_cert: 'db-password' } }));
    await world.settle();
    expect(reasons()).toEqual([]);
    world.swarm.deploy(aService('db', { secretIds: [idOf('db-password')] }));
    await world.settle();
    expect(reasons()).toHaveLength(1);
    world.swarm.remove('db');
    await world.settle();
    expect(reasons()).toEqual([]);
  });
});

describe('a secret in which proxies find no TLS material', () => {
  const complaint =
    'error: secret db-password contains neither a certificate nor a private key in PEM format, so the proxies no longer receive it';
  const found = () => {
    world.extension.secrets = mounted().includes('db-password') ? [foreignFacts('db-password')] : [];
  };

  beforeEach(async () => {
    world.swarm.deploy(aService('evil', { lb: { ssl_cert: 'db-password' } }));
    await world.settle();
    expect(mounted()).toContain('db-password');
  });

  it('is removed from them by one roll-out, and stays reported', async () => {
    found();
    const writes = await world.writesOf(() => world.settle());

    expect(proxyUpdates(writes)).toHaveLength(1);
    expect(mounted()).not.toContain('db-password');
    expect(isOpen('evil.example.org')).toBe(false);
    expect(isOpen('other.example.org')).toBe(true);
    expect(reasons()).toEqual([complaint]);
    found();
    expect(await world.writesOf(() => world.settle())).toEqual([]);
    expect(reasons()).toEqual([complaint]);
  });

  it('does not come back, whatever service names it and whichever controller observes it', async () => {
    found();
    await world.settle();
    found();
    const { swarm, extension } = world;

    const restarted = new ControllerWorld({ agents: true, settings, swarm, extension });
    swarm.deploy(aService('again', { lb: { ssl_cert: 'db-password' } }));
    await restarted.settle();
    swarm.remove('evil');
    swarm.remove('again');
    await restarted.settle();
    swarm.deploy(aService('evil', { lb: { ssl_backend: 'true', ssl_backend_ca: 'db-password' } }));
    await restarted.settle();

    expect(mounted()).not.toContain('db-password');
    expect(swarm.service('signalbox-proxy').spec.Labels[foreignLabel]).toBe(idOf('db-password'));
    expect(restarted.problems.map(({ reason }) => `error: ${reason}`)).toEqual([complaint]);
  });

  it('is recorded before it is detached, so that no controller attaches it again in between', async () => {
    found();
    const order = await world.writesOf(() => world.settle());

    expect(order.indexOf('labelService signalbox-proxy')).toBeLessThan(order.indexOf('updateService signalbox-proxy'));
  });

  it('is a different secret if it is created again', async () => {
    found();
    await world.settle();
    world.extension.secrets = [];
    await world.swarm.removeSecret(idOf('db-password'));
    await world.swarm.createSecret({ name: 'db-password', labels: {}, data: '' });
    await world.settle();

    expect(mounted()).toContain('db-password');
    expect(reasons()).toEqual([]);
  });

  it('is not a secret whose material is merely invalid', async () => {
    world.extension.secrets = [secretFacts('db-password', { isBroken: true, rejected: 'bad base64 decode' })];
    await world.settle();

    expect(mounted()).toContain('db-password');
  });
});

it('a service that poses as an extension or a proxy takes no certificate from any service', async () => {
  world.swarm.deploy(aService('app', { lb: { ssl_cert: 'site' } }));
  await world.settle();
  const observe = world.swarm.observe.bind(world.swarm);
  const observed = await observe();
  const [proxy] = observed.owned.filter(({ role }) => role === 'proxy');
  const labels = { ...proxy!.labels, [foreignLabel]: idOf('site') };
  const [site, name] = [idOf('site'), 'evil'];
  world.swarm.observe = async () => {
    const snapshot = await observe();
    const fakes = (['proxy', 'extension'] as const).map((role) => ({
      ...proxy!,
      id: name,
      name,
      role,
      labels,
      secretIds: [site],
    }));
    return { ...snapshot, owned: [...snapshot.owned, ...fakes] };
  };

  await world.pass();

  expect(reasons().filter((reason) => reason.includes('site'))).toEqual([]);
  expect(mounted()).toContain('site');
});

describe('an agent', () => {
  const password = 'correct-horse-battery-staple';

  it.each([
    ['a password', password],
    ['a password with lines', `user=postgres\npassword=${password}\n`],
    ['a private key of SSH', `-----BEGIN OPENSSH SECRET-----\n${password}\n-----END OPENSSH SECRET-----\n`],
    ['JSON that contains PEM', JSON.stringify({ key: `-----BEGIN RSA-----${password}` })],
    ['nothing', ''],
  ])('reports that a secret with %s is no TLS material, without any of its content', async (_, content) => {
    const folder = await mkdtemp(join(tmpdir(), 'secrets-'));
    try {
      await writeFile(join(folder, 'db-password'), content);
      const facts = await inspectSecrets(folder, () => false, join(folder, 'none'));

      expect(facts).toMatchObject([foreignFacts('db-password')]);
      expect(JSON.stringify(facts)).not.toMatch(/horse|postgres/);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
