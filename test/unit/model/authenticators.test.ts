import { describe, expect, it } from 'vitest';
import { buildDesiredState } from '../../../src/model/desired-state.ts';
import { parseSettings } from '../../../src/model/settings/settings.ts';
import type { SwarmService } from '../../../src/model/snapshot.ts';
import { aNetwork, aService } from '../../support/builders.ts';

const { settings } = parseSettings({ Extensions: { default: { PublishMode: 'host' } } }, '1');

function build(...services: readonly SwarmService[]) {
  const networks = ['app', 'other'].map((name) => aNetwork(name));
  const nothing = { secrets: [], nodes: [], hostTasks: [], configs: [], owned: [] };
  const { clusters, problems } = buildDesiredState({ services, networks, ...nothing }, settings);
  const route = clusters[0]!.routes.find(({ service }) => service.name === 'app' || service.name === 'shop_app')!;
  return {
    asked: route.options.forwardAuth!.peers.map(({ address }) => address),
    backend: route.backend.kind,
    problems,
  };
}

const app = (url: string) => aService('app', { lb: { forward_auth: url } });
const unpublished = (name: string, networks: readonly string[]) => ({ ...aService(name, { networks }), labels: {} });
const published = (lb: Readonly<Record<string, string>>) => aService('checker', { networks: ['other'], lb });

describe('an authenticator', () => {
  it('need not be published on a network of the service that asks it', () => {
    const { asked, backend, problems } = build(app('http://checker:9091/x'), unpublished('checker', ['other', 'app']));

    expect([asked, backend, problems]).toEqual([['tasks.checker.app'], 'peers', []]);
  });

  it('on another network closes the route', () => {
    const { asked, backend, problems } = build(app('http://checker:9091/x'), unpublished('checker', ['other']));

    expect([asked, backend]).toEqual([[], 'unavailable']);
    expect(problems).toMatchObject([{ severity: 'error', service: 'app', label: 'com.docker.lb.forward_auth' }]);
  });

  it('of the own stack comes first', () => {
    const own = aService('shop_app', {
      lb: { forward_auth: 'http://checker:9091/x' },
      labels: { 'com.docker.stack.namespace': 'shop' },
    });
    const services = [own, unpublished('checker', ['app']), unpublished('shop_checker', ['app'])];

    expect(build(...services).asked).toEqual(['tasks.shop_checker.app']);
  });

  it.each([
    [{}, '/x'],
    [{ context_root: '/x' }, '/x'],
    [{ context_root: '/x' }, '/x/verify'],
    [{ context_root: '/y', context_root_rewrite: 'true' }, '/x'],
    [{ backend_path: '/v2' }, '/v2/x'],
  ])('elsewhere is asked what it publishes to everybody: %j, %s', (lb, path) => {
    const found = build(app(`http://checker:8080${path}`), published(lb));
    expect(found.problems).toEqual([]);
    expect(found.asked).toEqual(['tasks.checker.other']);
  });

  it.each([
    [{ context_root: '/x' }, '/y'],
    [{ context_root: '/x' }, '/xy'],
    [{ backend_path: '/v2' }, '/x'],
    [{ backend_path: '/v2', context_root: '/x' }, '/v2/y'],
    [{ allow: '10.0.0.0/8' }, '/x'],
    [{ forward_auth: 'http://checker:8080/' }, '/x'],
    [{ maintenance: 'true' }, '/x'],
    [{ ssl_passthrough: 'true' }, '/x'],
  ])('elsewhere is not asked what clients may not: %j, %s', (lb, path) => {
    expect(build(app(`http://checker:8080${path}`), published(lb))).toMatchObject({
      asked: [],
      backend: 'unavailable',
    });
  });

  it('serves younger services if the oldest one has no task', () => {
    const lb = { forward_auth: 'http://checker:9091/x' };
    const shared = { host: 'app.example.org', lb };
    const none = { mode: { kind: 'replicated', replicas: 0 } } as const;
    const services = [
      aService('app', { ...shared, ...none, createdAt: '1' }),
      aService('green', { ...shared, createdAt: '2' }),
      unpublished('checker', ['app']),
    ];

    expect(build(...services).asked).toEqual(['tasks.checker.app']);
  });
});
