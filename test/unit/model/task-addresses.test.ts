import { describe, expect, it } from 'vitest';
import { buildDesiredState } from '../../../src/model/desired-state.ts';
import {
  type ClusterDoubts,
  type DoubtKind,
  isInSubnets,
  MAX_DOUBTS,
  splitName,
} from '../../../src/model/dns/name-doubts.ts';
import { parseSettings } from '../../../src/model/settings/settings.ts';
import type { ServiceTask, Snapshot, SwarmService } from '../../../src/model/snapshot.ts';
import { aNetwork, aNode, aService } from '../../support/builders.ts';

const networks = ['app', 'ProxyNet'].map((name, at) => aNetwork(name, { subnets: [`10.0.${at + 1}.0/24`] }));

function aTask(serviceId: string, address: string, more: Partial<ServiceTask> = {}): ServiceTask {
  return { id: address, serviceId, nodeId: 'node', since: 0, addresses: { app: [address] }, ...more };
}

interface World {
  readonly services?: readonly SwarmService[];
  readonly tasks?: readonly ServiceTask[] | undefined;
  readonly FollowTasks?: string;
  readonly ProxyImage?: string;
  readonly doubts?: Readonly<Record<string, DoubtKind>>;
}

function build({ services = [aService('web')], tasks, FollowTasks = 'auto', ProxyImage = '', doubts }: World) {
  const { settings } = parseSettings({ Extensions: { default: { FollowTasks, ProxyImage } } }, '1');
  const nothing = { hostTasks: [], configs: [], secrets: [], owned: [] };
  const snapshot: Snapshot = { ...nothing, services, networks, nodes: [aNode('node')], tasks };
  const names = new Map(Object.entries(doubts ?? {}).map(([name, kind]) => [name, { name, kind }]));
  const own: ClusterDoubts = { names, all: undefined };
  const { clusters, problems } = buildDesiredState(snapshot, settings, [], undefined, new Map([['default', own]]));
  const [cluster] = clusters;
  const backends = Object.fromEntries(
    cluster!.routes.map(({ service, backend }) => [
      service.name,
      backend.kind === 'peers' ? backend.peers.map(({ address }) => address) : backend.kind,
    ]),
  );
  return { backends, problems, watch: cluster!.watch, networkIds: cluster!.networkIds, cluster: cluster! };
}

describe('task addresses', () => {
  it('are sorted, and only those of the routed network', () => {
    const both = { addresses: { app: ['10.0.1.9'], other: ['10.0.7.7'] } };
    const tasks = [aTask('web', '10.0.1.20'), aTask('web', '10.0.1.9', both), aTask('shop', '10.0.1.4')];

    const { backends } = build({ tasks, FollowTasks: 'addresses' });

    expect(backends).toEqual({ web: ['10.0.1.20', '10.0.1.9'] });
  });

  it('exclude those of a node that is lost or unknown', () => {
    const tasks = [aTask('web', '10.0.1.9', { nodeId: 'gone' })];

    const { backends, networkIds } = build({ tasks, FollowTasks: 'addresses' });

    expect(backends).toEqual({ web: 'unavailable' });
    expect(networkIds).toEqual(['app']);
  });

  it('need no relay for upper-case networks', () => {
    const services = [aService('web', { networks: ['ProxyNet'] })];
    const tasks = [aTask('web', '10.0.2.9', { addresses: { ProxyNet: ['10.0.2.9'] } })];

    const { backends, cluster, problems } = build({ services, tasks, FollowTasks: 'addresses', ProxyImage: 'nginx' });

    expect(backends).toEqual({ web: ['10.0.2.9'] });
    expect(JSON.stringify(cluster.routes)).not.toContain('exactCase');
    expect(problems).toEqual([]);
  });

  it('need no name, so an alias takes nothing over', () => {
    const alias = { kind: 'alias' as const, name: 'tasks.web.app', networkIds: ['app'] };
    const services = [aService('web'), aService('evil', { claims: [alias], labels: { 'com.docker.lb.port': '0' } })];

    const { backends } = build({ services, tasks: [aTask('web', '10.0.1.9')], FollowTasks: 'addresses' });

    expect(backends).toMatchObject({ web: ['10.0.1.9'] });
  });

  it('are unknown for a compose file, which shows names instead', () => {
    expect(build({ FollowTasks: 'addresses' }).backends).toEqual({ web: ['tasks.web.app'] });
  });
});

describe('names watched by agents', () => {
  it('have their networks, and are not watched with dns or addresses', () => {
    expect(build({}).watch).toEqual({ networks: [{ name: 'app', subnets: ['10.0.1.0/24'] }], doubted: [] });
    expect(build({ FollowTasks: 'dns' }).watch).toEqual({ networks: [], doubted: [] });
    expect(build({ FollowTasks: 'addresses', tasks: [] }).watch).toEqual({ networks: [], doubted: [] });
  });

  it('include those in doubt, even if the service has no tasks, with foreign ones first if there are many', () => {
    const services = Array.from({ length: MAX_DOUBTS + 10 }, (_, n) => aService(`web${n}`));
    const missing = Object.fromEntries(services.map(({ name }) => [`tasks.${name}.app`, 'missing' as const]));
    const last = 'tasks.web99.app';

    const { watch, backends } = build({ services, tasks: [], doubts: { ...missing, [last]: 'foreign' } });

    expect(watch.doubted).toHaveLength(MAX_DOUBTS);
    expect(watch.doubted).toContain(last);
    expect(new Set(Object.values(backends))).toEqual(new Set(['unavailable']));
  });

  it('do not include names that no service of the cluster has', () => {
    const { watch, problems } = build({ tasks: [], doubts: { 'tasks.other.app': 'foreign' } });

    expect(watch.doubted).toEqual([]);
    expect(problems).toEqual([]);
  });
});

it.each([
  ['tasks.web.app', { service: 'web', network: 'app' }],
  ['web.app', { service: 'web', network: 'app' }],
  ['tasks.app', { service: 'tasks', network: 'app' }],
  ['web', undefined],
  ['tasks.a.b.c', undefined],
])('reads service and network in %s', (name, parts) => {
  expect(splitName(name)).toEqual(parts);
});

it.each([
  ['10.0.1.255', ['10.0.1.0/24'], true],
  ['10.0.2.0', ['10.0.1.0/24'], false],
  ['10.0.2.0', ['10.0.1.0/24', '10.0.2.0/28'], true],
  ['192.168.255.1', ['192.168.0.0/16'], true],
  ['10.0.1.1', ['0.0.0.0/0'], true],
  ['10.0.1.1', [], false],
])('%s is in %o: %s', (address, subnets, expected) => {
  expect(isInSubnets(address, subnets)).toBe(expected);
});
