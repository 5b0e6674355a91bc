import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildDesiredState } from '../../../src/model/desired-state.ts';
import { parseSettings } from '../../../src/model/settings/settings.ts';
import type { NameClaim, Snapshot, SwarmService } from '../../../src/model/snapshot.ts';
import { aNetwork, aNode, anywhere, aService } from '../../support/builders.ts';

const OLD = '2026-01-01T00:00:00Z';
const NEW = '2026-02-01T00:00:00Z';
const settings = (document: object = {}) => parseSettings({ ...document }, '1').settings;

function desired(services: readonly SwarmService[], document: object = {}, more: Partial<Snapshot> = {}) {
  const names = new Set([...services.flatMap(({ networkIds }) => networkIds), 'signalbox']);
  const networks = [...names].map((name) => aNetwork(name));
  const nothing = { hostTasks: [], configs: [], secrets: [], owned: [] };
  const snapshot = { services, networks, nodes: [aNode('node')], ...nothing, ...more };
  const { clusters, problems } = buildDesiredState(snapshot, settings(document));
  const [{ routes, networkIds }] = clusters as [(typeof clusters)[number]];
  const addresses = Object.fromEntries(
    routes.map(({ service, backend }) => [
      service.name,
      backend.kind === 'peers' ? backend.peers.map(({ address }) => address).join() : 'closed',
    ]),
  );
  return { addresses, networkIds, problems };
}

const alias = (name: string, ...networkIds: readonly string[]): NameClaim => ({ kind: 'alias', name, networkIds });
const hostname = (name: string, ...networkIds: readonly string[]): NameClaim => ({
  kind: 'hostname',
  name,
  networkIds,
});
const victim = aService('web', { createdAt: OLD, virtualAddresses: { app: '10.0.1.2' } });
const hostile = (claims: readonly NameClaim[], options: Parameters<typeof aService>[1] = {}) =>
  aService('evil', { createdAt: NEW, networks: ['evil'], claims, ...options });

describe('an alias for the DNS name of another service', () => {
  it.each(['tasks.web.app', 'web.app', 'TASKS.Web.App'])(
    'closes its own service, whose network is not joined: %s',
    (name) => {
      const { addresses, networkIds, problems } = desired([victim, hostile([alias(name, 'evil')])]);

      expect(addresses).toEqual({ web: 'tasks.web.app', evil: 'closed' });
      expect(networkIds).toEqual(['app']);
      expect(problems).toEqual([
        {
          id: 'dns-name-taken-over',
          severity: 'error',
          service: 'evil',
          cluster: 'default',
          value: name,
          reason:
            'network alias on network evil takes over a DNS name of service web; the routes of this service are closed',
          remedy: 'Remove the alias from network evil, or use one without dots that is not a service name.',
        },
      ]);
    },
  );

  it('has no effect on a network that the proxies do not join', () => {
    const unrouted = { ...hostile([alias('tasks.web.app', 'evil')]), labels: {} };

    expect(desired([victim, unrouted])).toEqual({
      addresses: { web: 'tasks.web.app' },
      networkIds: ['app'],
      problems: [],
    });
  });

  it.each([
    ['tasks.web.app', 'evil'],
    ['web.app', 'evil'],
    ['tasks.web', 'app'],
    ['web', 'app'],
  ])('receives no requests on a network that is joined for others: %s on %s', (name, network) => {
    const bystander = aService('shop', { networks: ['evil'], createdAt: OLD });
    const unrouted = { ...hostile([alias(name, network)], { networks: [network] }), labels: {} };

    const { addresses, networkIds, problems } = desired([victim, bystander, unrouted]);

    expect(addresses).toEqual({ web: '10.0.1.2', shop: 'tasks.shop.evil' });
    expect(networkIds).toEqual(['app', 'evil']);
    expect(problems).toMatchObject([
      { severity: 'error', service: 'evil', value: name },
      { severity: 'warning', service: 'web', value: name },
    ]);
  });

  it('closes a service without a virtual address', () => {
    const dnsrr = { ...victim, endpointMode: 'dnsrr' as const, virtualAddresses: undefined };
    const unrouted = { ...hostile([alias('web', 'app')], { networks: ['app'] }), labels: {} };

    const { addresses, networkIds, problems } = desired([dnsrr, unrouted]);

    expect(addresses).toEqual({ web: 'closed' });
    expect(networkIds).toEqual([]);
    expect(problems).toMatchObject([{ service: 'evil' }, { severity: 'error', service: 'web' }]);
  });

  it('takes over the virtual address as well', () => {
    const vip = { ...victim, labels: { ...victim.labels, 'com.docker.lb.backend_mode': 'vip' } };
    const unrouted = { ...hostile([alias('tasks.web', 'app')], { networks: ['app'] }), labels: {} };

    expect(desired([vip, unrouted]).addresses).toEqual({ web: 'web.app' });
    expect(desired([vip, hostile([alias('web', 'app')], { networks: ['app'] })]).addresses.web).toBe('10.0.1.2');
  });

  it('counts on all networks in the settings', () => {
    const unrouted = { ...hostile([alias('tasks.web.app', 'evil')]), labels: {} };
    const document = { Extensions: { default: { Networks: ['app', 'evil'] } } };

    expect(desired([victim, unrouted], document).addresses).toEqual({ web: '10.0.1.2' });
  });

  it('counts on the control network', () => {
    const unrouted = { ...hostile([alias('tasks.web.app', 'signalbox')], { networks: ['signalbox'] }), labels: {} };

    expect(desired([victim, unrouted]).addresses).toEqual({ web: '10.0.1.2' });
  });

  it('counts for a service that poses as one of ours', () => {
    const posing = {
      ...{
        id: 'p',
        name: 'posing',
        role: 'proxy' as const,
        cluster: 'other',
        labels: {},
        index: 1,
        networkIds: ['app'],
      },
      ...{ configIds: [], previousConfigIds: [], secretIds: [], image: '', rollout: { kind: 'settled' as const } },
      ...{ placement: anywhere, isOnHosts: false },
      claims: [alias('web', 'app')],
    } as const;

    expect(desired([victim], {}, { owned: [posing] }).addresses).toEqual({ web: '10.0.1.2' });
  });

  it('cannot close an older service by a name that the older one has as an alias', () => {
    const legitimate = aService('db', { createdAt: OLD, networks: ['data'], claims: [alias('db.local', 'data')] });
    const attacker = hostile([], { id: 'db2', networks: ['local'] });
    const named = { ...attacker, name: 'db', virtualAddresses: { local: '10.0.2.2' } };
    const { networkIds, problems } = desired([{ ...legitimate, name: 'store' }, named]);

    expect(networkIds).toEqual(['data', 'local']);
    expect(problems.filter(({ reason }) => reason.includes('closed'))).toEqual([]);
  });
});

describe('ordinary aliases', () => {
  const inStack = (stack: string, networks: readonly string[]) =>
    aService(`${stack}_web`, { networks, labels: { 'com.docker.stack.namespace': stack } });

  it('of several stacks are no problem', () => {
    const { addresses, problems } = desired([inStack('a', ['shared']), inStack('b', ['shared']), inStack('c', ['c'])]);

    expect(Object.values(addresses)).toEqual(['tasks.a_web.shared', 'tasks.b_web.shared', 'tasks.c_web.c']);
    expect(problems).toEqual([]);
  });

  it.each(['cache', 'db.internal', 'web.local', 'tasks.other.app'])(
    'that are never queried are no problem: %s',
    (name) => {
      expect(desired([victim, hostile([alias(name, 'evil')])]).problems).toEqual([]);
    },
  );

  it('are no problem for the service that has the name', () => {
    const own = { ...victim, claims: [alias('tasks.web.app', 'app'), alias('web', 'app')] };

    expect(desired([own])).toMatchObject({ addresses: { web: 'tasks.web.app' }, problems: [] });
  });

  it('that equal a service on the same network do not receive its requests, and stay open', () => {
    const { addresses, problems } = desired([victim, inStack('a', ['app'])]);

    expect(addresses).toEqual({ web: '10.0.1.2', a_web: 'tasks.a_web.app' });
    expect(problems).toMatchObject([{ severity: 'warning', service: 'web' }]);
    expect(desired([victim, inStack('a', ['other'])]).addresses.web).toBe('tasks.web.app');
  });
});

describe('host names of tasks', () => {
  it.each([
    'tasks.web.app',
    'tasks.{{.Service.Labels}}.app',
    '{{ printf "tasks.web.app" }}',
    '{{index .Service.Labels "name"}}',
    'tasks.we{{.Task.Slot}}.app',
  ])('count as names, too: %s', (name) => {
    const evil = hostile([hostname(name, 'evil')], { labels: { name: 'tasks.web.app' } });
    const services = [name.includes('Slot') ? { ...victim, name: 'we1' } : victim, evil];

    const { addresses, networkIds, problems } = desired(services);

    expect(addresses.evil).toBe('closed');
    expect(networkIds).toEqual(['app']);
    expect(problems).toMatchObject([{ severity: 'error', service: 'evil' }]);
  });

  it.each([
    '{{.Node.Hostname}}',
    '{{.Service.Name}}-{{.Task.Slot}}',
    '{{index .Service.Labels "name"}}',
    'web',
    'db.example.org',
  ])('in common forms are no problem: %s', (name) => {
    expect(desired([victim, hostile([hostname(name, 'evil')], { labels: { name: 'web' } })]).problems).toEqual([]);
  });

  it('with templates that can become any name close no other service', () => {
    const evil = hostile([hostname('{{ html "x" }}', 'app')], { networks: ['app'] });
    const dnsrr = aService('rr', { createdAt: OLD, endpointMode: 'dnsrr' });

    expect(desired([victim, dnsrr, evil]).addresses).toEqual({ web: '10.0.1.2', rr: 'tasks.rr.app', evil: 'closed' });
  });
});

describe('an alias for the extension', () => {
  it.each([
    'signalbox-extension',
    'tasks.signalbox-extension',
    'tasks.signalbox-extension.signalbox',
    'signalbox-extension.signalbox',
  ])('closes its service, whose network is not joined: %s', (name) => {
    const { addresses, networkIds, problems } = desired([
      victim,
      hostile([alias(name, 'evil')], { createdAt: '2025-01-01' }),
    ]);

    expect(addresses).toEqual({ web: 'tasks.web.app', evil: 'closed' });
    expect(networkIds).toEqual(['app']);
    expect(problems).toMatchObject([{ service: 'evil', reason: expect.stringContaining('of the extension') }]);
  });
});

/** As libnetwork resolves names: the first that exists, of all services that have it. */
function resolve(query: string, joined: readonly string[], services: readonly SwarmService[]): Set<string> {
  const records = (network: string, name: string) =>
    services.filter((service) => {
      const aliases = (service.claims ?? []).filter(
        (claim) => claim.kind === 'alias' && claim.networkIds.includes(network),
      );
      const hosts = (service.claims ?? []).filter(
        (claim) => claim.kind === 'hostname' && claim.networkIds.includes(network),
      );
      const own = service.networkIds.includes(network) ? [service.name] : [];
      const names = [...own, ...aliases.map((claim) => claim.name)].flatMap((each) => [each, `tasks.${each}`]);
      return [...names, ...hosts.map((claim) => claim.name)].some((each) => each.toLowerCase() === name.toLowerCase());
    });
  const parts = query.split('.');
  for (let length = parts.length; length > 0; length--) {
    const rest = parts.slice(length).join('.');
    const found = joined
      .filter((network) => rest === '' || network === rest)
      .flatMap((network) => records(network, parts.slice(0, length).join('.')));
    if (found.length > 0) return new Set(found.map(({ id }) => id));
  }
  return new Set();
}

it('never resolves a queried name to another service', () => {
  const networks = ['n1', 'n2', 'n3'];
  const service = fc.record({
    name: fc.constantFrom('web', 'api', 'db', 'n1'),
    vip: fc.boolean(),
    dnsrr: fc.boolean(),
    routed: fc.boolean(),
    networks: fc.uniqueArray(fc.constantFrom(...networks), { minLength: 1 }),
    createdAt: fc.constantFrom(OLD, NEW),
    claims: fc.array(
      fc.record({
        kind: fc.constantFrom('alias' as const, 'hostname' as const),
        prefix: fc.constantFrom('', 'tasks.', 'TASKS.'),
        service: fc.constantFrom('web', 'api', 'db', 'n1', 'Web'),
        suffix: fc.constantFrom('', '.n1', '.n2', '.n3'),
        network: fc.nat(),
      }),
      { maxLength: 3 },
    ),
  });
  const swarm = fc.uniqueArray(service, { selector: ({ name }) => name, maxLength: 4 });
  fc.assert(
    fc.property(swarm, fc.boolean(), (drawn, whitelist) => {
      const services = drawn.map(({ name, vip, dnsrr, routed, claims, networks: attached, createdAt }) => {
        const lb = { network: attached[0]!, ...(vip ? { backend_mode: 'vip' } : {}) };
        const full = aService(name, {
          ...{ networks: attached, createdAt, lb, endpointMode: dnsrr ? 'dnsrr' : 'vip' },
          claims: claims.map(({ kind, prefix, service, suffix, network }) => ({
            ...{ kind, name: prefix + service + suffix },
            networkIds: kind === 'hostname' ? attached : [attached[network % attached.length]!],
          })),
          ...(dnsrr ? {} : { virtualAddresses: Object.fromEntries(attached.map((id) => [id, '10.0.0.2'])) }),
        });
        return routed ? full : { ...full, labels: {} };
      });
      const { addresses, networkIds } = desired(
        services,
        whitelist ? { Extensions: { default: { Networks: networks } } } : {},
      );
      for (const [owner, address] of Object.entries(addresses)) {
        if (address === 'closed' || address === '10.0.0.2') continue;
        expect(resolve(address, [...networkIds, 'signalbox'], services)).toEqual(new Set([owner]));
      }
    }),
    { numRuns: 500 },
  );
});
