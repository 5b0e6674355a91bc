import { describe, expect, it } from 'vitest';
import type { Action } from '../../../../src/controller/plan/actions.ts';
import { describe as inWords } from '../../../../src/controller/plan/describe.ts';
import type { CurrentProxy, Observed } from '../../../../src/controller/plan/observed.ts';
import { planAnswer, prepare } from '../../../../src/controller/plan/plan.ts';
import { rejection } from '../../../../src/controller/plan/rollout.ts';
import { planUnused } from '../../../../src/controller/plan/unused-services.ts';
import { toStored } from '../../../../src/controller/plan/versions.ts';
import { digest } from '../../../../src/lib/digest.ts';
import type { ClusterState } from '../../../../src/model/cluster-state.ts';
import { buildDesiredState } from '../../../../src/model/desired-state.ts';
import { controlNetwork, foreignLabel, specLabel } from '../../../../src/model/names.ts';
import type { DesiredService } from '../../../../src/model/own-services/owned-service.ts';
import { proxySpread, spreadLabels } from '../../../../src/model/own-services/proxy-spread.ts';
import { specDigest } from '../../../../src/model/own-services/spec-digest.ts';
import { parseSettings } from '../../../../src/model/settings/settings.ts';
import type { OwnedService, OwnedTask, Snapshot, StoredObject } from '../../../../src/model/snapshot.ts';
import type { RenderAnswer, Rendering, Reports } from '../../../../src/model/version.ts';
import { aNetwork, aNode, anywhere, aService } from '../../../support/builders.ts';

const now = Date.parse('2026-01-01T00:00:00Z');
const START = new Date(now - 3_600_000).toISOString();

/** What is known of one cluster: the input of both plans. */
interface World {
  readonly desired: ClusterState;
  readonly observed: Observed;
  readonly reports: Reports | undefined;
  readonly answer: RenderAnswer;
}

const ids = (objects: readonly { readonly id: string }[]) => objects.map(({ id }) => id);

function rendering(version: string): Rendering {
  return { version, files: [{ path: 'nginx.conf', digest: version, text: `# ${version}` }], problems: [] };
}

/** A version as it is stored, minutes before now. */
function stored(version: string, minutes = 60): StoredObject[] {
  const createdAt = new Date(now - minutes * 60_000).toISOString();
  return toStored(rendering(version), 'default').map(({ name, labels }) => ({
    id: `id-${name}`,
    name,
    labels,
    createdAt,
  }));
}

/** A service as Swarm has it after its roll-out to this specification. */
function owned(desired: DesiredService): OwnedService {
  const { name, role, cluster, image, networkIds, configs, secrets, replicas } = desired;
  return {
    ...{ id: `id-${name}`, name, role, cluster, image, index: 1, networkIds },
    replicas: replicas === 'global' ? undefined : replicas,
    labels: { ...desired.labels, [specLabel]: specDigest(desired) },
    ...{ configIds: ids(configs), previousConfigIds: [], secretIds: ids(secrets) },
    ...{ placement: anywhere, isOnHosts: false, rollout: { kind: 'settled' } },
  };
}

function tasksOf({ id, configIds }: OwnedService, nodes = ['worker1', 'worker2']): OwnedTask[] {
  return nodes.map((nodeId, position) => ({
    ...{ id: `task${position + 1}`, serviceId: id, nodeId, configIds, createdAt: START },
    ...{ state: 'running', desiredState: 'running', error: undefined, addresses: {} },
  }));
}

function proxyOf(service: OwnedService, tasks: readonly OwnedTask[], { nodes }: Snapshot): CurrentProxy {
  return {
    service,
    tasks,
    spread: proxySpread(service, tasks, nodes),
    steadiness: { since: now - 3_600_000, returns: 0 },
  };
}

/** All replicas serve the version, and the extension knows their tasks. */
function reportsOf(tasks: readonly OwnedTask[], boot: string, serving = boot): Reports {
  return {
    ...{ since: now - 3_600_000, secrets: [], offers: [{ boot, version: serving, refused: null }] },
    tasks: digest(JSON.stringify(tasks.map(({ id }) => ({ task: id, addresses: [] })))),
    replicas: tasks.map(({ id }) => ({ task: id, boot, serving, refused: null })),
  };
}

function emptyWorld(document: Readonly<Record<string, unknown>> = {}): World {
  const { settings } = parseSettings(document, '1.0.0');
  const snapshot: Snapshot = {
    ...{ services: [aService('shop')], networks: [aNetwork(controlNetwork), aNetwork('app')], hostTasks: [] },
    nodes: [aNode('manager', { role: 'manager' }), aNode('worker1'), aNode('worker2')],
    ...{ configs: [], secrets: [], owned: [] },
  };
  return {
    desired: buildDesiredState(snapshot, settings).clusters[0]!,
    observed: {
      ...{ snapshot, now, controlNetworkId: controlNetwork, extension: undefined, proxy: undefined, held: undefined },
      identities: {
        extension: { id: undefined, name: 'identity-e', publicKey: undefined },
        proxy: { id: undefined, name: 'identity-p', publicKey: undefined },
        reader: { id: undefined, name: 'identity-r', publicKey: undefined },
      },
      reader: undefined,
      ...{ texts: { kind: 'read', texts: {}, problems: [] }, attempts: new Map() },
    },
    reports: undefined,
    answer: { kind: 'rendered', rendering: rendering('v1') },
  };
}

/** A cluster that serves version v1 and has nothing to do. */
function healthyWorld(document: Readonly<Record<string, unknown>> = {}): World {
  const empty = emptyWorld(document);
  const snapshot = { ...empty.observed.snapshot, configs: stored('v1') };
  const identities = {
    extension: { id: 'id-identity-e', name: 'identity-e', publicKey: undefined },
    proxy: { id: 'id-identity-p', name: 'identity-p', publicKey: 'key' },
    reader: { id: 'id-identity-r', name: 'identity-r', publicKey: undefined },
  };
  const bare = { ...empty, observed: { ...empty.observed, snapshot, identities } };
  const [extension, proxy] = plansOf(bare)
    .flat()
    .flatMap((action) => (action.kind === 'create-service' ? [owned(action.desired)] : [])) as [
    OwnedService,
    OwnedService,
  ];
  const tasks = tasksOf(proxy);
  return {
    ...bare,
    observed: {
      ...bare.observed,
      snapshot: { ...snapshot, owned: [extension, proxy] },
      ...{ extension, proxy: proxyOf(proxy, tasks, snapshot) },
    },
    reports: reportsOf(tasks, 'v1'),
  };
}

/** The actions before and after rendering. */
function plansOf({ desired, observed, reports, answer }: World): [Action[], Action[]] {
  const { actions, next } = prepare(desired, observed, reports);
  if (next.kind === 'observe') return [[...actions], []];
  const given = next.kind === 'render' ? answer : next.answer;
  return [[...actions], [...planAnswer(desired, observed, reports, next.basis, given, now).actions]];
}

/** Changes the observed proxy service. */
function withProxy(world: World, change: Partial<OwnedService>, tasks = world.observed.proxy!.tasks): World {
  const { observed } = world;
  const service = { ...observed.proxy!.service, ...change };
  return { ...world, observed: { ...observed, proxy: proxyOf(service, tasks, observed.snapshot) } };
}

const withConfigs = (world: World, configs: readonly StoredObject[]): World => ({
  ...world,
  observed: { ...world.observed, snapshot: { ...world.observed.snapshot, configs } },
});
const withAnswer = (world: World, version: string): World => ({
  ...world,
  answer: { kind: 'rendered', rendering: rendering(version) },
});
/** With another image, replicas must be replaced. */
const otherImage = { Extensions: { default: { ProxyImage: 'nginx:other' } } };
const updated = (world: World): World => ({ ...world, desired: emptyWorld(otherImage).desired });
/** Digest of the specification with that image. */
const updatedSpec = (world: World) =>
  plansOf(updated(world))[1].flatMap((action) =>
    action.kind === 'update-service' ? specDigest(action.desired) : [],
  )[0]!;

const name = (version: string) => `com.docker.interlock.proxy.${version}`;
const STORE_V2 = `Store nginx.conf of version v2 in the config ${name('v2')}.`;
const UPDATE = (version: string) =>
  `Update the service signalbox-proxy for version ${version}: Swarm replaces its tasks if that is necessary.`;
const V2_STORED = [...stored('v1'), ...stored('v2', 1)];

interface Case {
  readonly name: string;
  readonly world: () => World;
  readonly before?: readonly string[];
  readonly after?: readonly string[];
}

const cases: readonly Case[] = [
  {
    name: 'first start',
    world: emptyWorld,
    before: [
      'Issue a certificate for the extension and store it in the secret identity-e.',
      'Create the service signalbox-extension.',
      'Issue a certificate for the proxy and store it in the secret identity-p.',
    ],
    after: [
      `Store nginx.conf of version v1 in the config ${name('v1')}.`,
      'Create the service signalbox-proxy for version v1.',
    ],
  },
  { name: 'nothing to do', world: healthyWorld },
  {
    name: 'new version in place',
    world: () => withAnswer(healthyWorld(), 'v2'),
    after: ['Offer version v2 to the proxies through the extension signalbox-extension.', STORE_V2],
  },
  {
    name: 'new version in place, offered and still loading',
    world: () => ({
      ...withConfigs(withAnswer(healthyWorld(), 'v2'), V2_STORED),
      reports: { ...healthyWorld().reports!, offers: [{ boot: 'v1', version: 'v2', refused: null }] },
    }),
  },
  {
    name: 'version that a replica rejects',
    world: () => ({
      ...withConfigs(withAnswer(healthyWorld(), 'v2'), V2_STORED),
      reports: { ...healthyWorld().reports!, offers: [{ boot: 'v1', version: 'v2', refused: 'bind() failed' }] },
    }),
  },
  { name: 'roll-out needed', world: () => updated(healthyWorld()), after: [UPDATE('v1')] },
  {
    name: 'roll-out needed for a new version',
    world: () => withAnswer(updated(healthyWorld()), 'v2'),
    after: [STORE_V2, 'Offer version v2 to the proxies through the extension signalbox-extension.', UPDATE('v2')],
  },
  {
    name: 'roll-out in progress',
    world: () =>
      withProxy(updated(healthyWorld()), {
        rollout: { kind: 'updating', startedAt: new Date(now - 1000).toISOString() },
      }),
  },
  {
    name: 'roll-out that is stuck',
    world: () =>
      withProxy(updated(healthyWorld()), {
        rollout: { kind: 'updating', startedAt: new Date(now - 121_000).toISOString() },
      }),
    after: [UPDATE('v1')],
  },
  {
    name: 'roll-out that was rolled back',
    world: () => {
      const world = withProxy(updated(healthyWorld()), { rollout: { kind: 'rolled-back', message: 'no room' } });
      const attempts = new Map([['id-signalbox-proxy', updatedSpec(healthyWorld())]]);
      return { ...world, observed: { ...world.observed, attempts } };
    },
    after: ['Record on the service signalbox-proxy that it was rolled back, and retry later.'],
  },
  {
    name: 'rejected specification before its next retry',
    world: () => {
      const world = healthyWorld();
      const { service } = world.observed.proxy!;
      const labels = { ...service.labels, ...rejection(service, updatedSpec(world), 'no room', now - 1000) };
      return withProxy(updated(world), { labels });
    },
  },
  {
    name: 'configuration that nginx rejects',
    world: () => ({ ...healthyWorld(), answer: { kind: 'settings-rejected', message: 'unknown directive' } }),
  },
  {
    name: 'template that does not exist',
    world: () => {
      const world = emptyWorld();
      return { ...world, observed: { ...world.observed, texts: { kind: 'rejected', message: 'does not exist' } } };
    },
    before: [
      'Issue a certificate for the extension and store it in the secret identity-e.',
      'Create the service signalbox-extension.',
      'Issue a certificate for the proxy and store it in the secret identity-p.',
    ],
  },
  {
    name: 'cluster held at an older version',
    world: () => {
      const world = withConfigs(healthyWorld(), [...stored('v0', 90), ...stored('v1')]);
      return { ...world, observed: { ...world.observed, held: rendering('v0') } };
    },
    after: ['Offer version v0 to the proxies through the extension signalbox-extension.'],
  },
  {
    name: 'old configs to prune',
    world: () => {
      const older = Array.from({ length: 12 }, (_, n) => stored(`old${n}`, 100 + n)).flat();
      return withConfigs(healthyWorld(), [...older, ...stored('v1')]);
    },
    after: ['old10', 'old11'].map((version) => `Remove the config ${name(version)}: no kept version uses it.`),
  },
  {
    name: 'renamed proxy service',
    world: () => ({
      ...healthyWorld(),
      desired: emptyWorld({ Extensions: { default: { ProxyServiceName: 'front' } } }).desired,
    }),
    after: [
      'Remove the service signalbox-proxy: it has another name in the settings.',
      'Create the service front for version v1.',
    ],
  },
  {
    name: 'config that was removed by hand',
    world: () => withConfigs(healthyWorld(), []),
    after: [`Store nginx.conf of version v1 in the config ${name('v1')}.`, UPDATE('v1')],
  },
  {
    name: 'proxy service that was removed by hand',
    world: () => {
      const world = healthyWorld();
      return { ...world, observed: { ...world.observed, proxy: undefined } };
    },
    before: ['Send the 0 tasks of the proxies to the extension signalbox-extension.'],
    after: ['Create the service signalbox-proxy for version v1.'],
  },
  {
    name: 'identity that expires soon',
    world: () => {
      const world = healthyWorld();
      const proxy = { id: undefined, name: 'identity-p2', publicKey: undefined };
      return { ...world, observed: { ...world.observed, identities: { ...world.observed.identities, proxy } } };
    },
    before: ['Issue a certificate for the proxy and store it in the secret identity-p2.'],
    after: [UPDATE('v1')],
  },
  {
    name: 'secret without TLS material',
    world: () => {
      const world = healthyWorld();
      const secrets = [{ id: 'pem', name: 'not-a-key', createdAt: START, labels: {} }];
      const snapshot = { ...world.observed.snapshot, secrets };
      return {
        ...{ ...world, observed: { ...world.observed, snapshot } },
        desired: { ...world.desired, foreignSecretIds: ['pem'] },
      };
    },
    before: ['Record on the service signalbox-proxy that these secrets contain no TLS material: not-a-key.'],
  },
  {
    name: 'secret without TLS material that is already recorded',
    world: () => {
      const world = healthyWorld();
      const labels = { ...world.observed.proxy!.service.labels, [foreignLabel]: 'pem' };
      return { ...withProxy(world, { labels }), desired: { ...world.desired, foreignSecretIds: ['pem'] } };
    },
  },
  {
    name: 'tasks that the extension does not know',
    world: () => ({ ...healthyWorld(), reports: { ...healthyWorld().reports!, tasks: undefined } }),
    before: ['Send the 2 tasks of the proxies to the extension signalbox-extension.'],
  },
  {
    name: 'spread pending',
    world: () => {
      const world = healthyWorld();
      return withProxy(world, {}, tasksOf(world.observed.proxy!.service, ['worker1', 'worker1']));
    },
    after: ['Scale the service signalbox-proxy to 3 replicas, to spread them over the nodes.'],
  },
  {
    name: 'spread pending while a roll-out is needed',
    world: () => {
      const world = updated(healthyWorld());
      return withProxy(world, {}, tasksOf(world.observed.proxy!.service, ['worker1', 'worker1']));
    },
    after: [UPDATE('v1')],
  },
  {
    name: 'spread to finish',
    world: () => {
      const world = healthyWorld();
      const { service } = world.observed.proxy!;
      const tasks = tasksOf(service, ['worker1', 'worker1', 'worker2']);
      const note = spreadLabels({ replicas: 2, startedAt: now, tries: 1, tasks: [], nodes: [] });
      const reports = reportsOf(tasks, 'v1');
      return { ...withProxy(world, { replicas: 3, labels: { ...service.labels, ...note } }, tasks), reports };
    },
    after: ['Scale the service signalbox-proxy to 2 replicas, to spread them over the nodes.'],
  },
];

describe('the plan', () => {
  it.each(cases)('$name', ({ world, before = [], after = [] }) => {
    const [first, second] = plansOf(world());

    expect({ before: first.map(inWords), after: second.map(inWords) }).toEqual({ before, after });
  });

  it('is the same for the same input, which it does not change', () => {
    for (const { world } of cases) {
      const given = world();
      const copy = structuredClone(given);
      expect(plansOf(given)).toEqual(plansOf(given));
      expect(given).toEqual(copy);
    }
  });
});

it('everything of a removed cluster is removed, services first', () => {
  const { snapshot } = healthyWorld().observed;
  const identity = { id: 's', name: 'identity-p', createdAt: START, labels: { 'com.signalbox.cluster': 'default' } };
  const planned = (active: readonly string[]) => planUnused({ ...snapshot, secrets: [identity] }, active).map(inWords);

  expect(planned(['default'])).toEqual([]);
  expect(planned(['other'])).toEqual([
    'Remove the service signalbox-extension: its cluster is disabled or removed.',
    'Remove the service signalbox-proxy: its cluster is disabled or removed.',
    `Remove the config ${name('v1')}: its cluster is disabled or removed.`,
    'Remove the secret identity-p: its cluster is disabled or removed.',
  ]);
});
