import { describe, expect, it } from 'vitest';
import { scopeHosts, toHostViews } from '../../../../src/controller/admin/hosts.ts';
import { buildDesiredState } from '../../../../src/model/desired-state.ts';
import { parseSettings } from '../../../../src/model/settings/settings.ts';
import { aNetwork, aNode, aService } from '../../../support/builders.ts';

const nodes = [
  { ...aNode('w2'), address: '192.0.2.2' },
  { ...aNode('w1'), address: '192.0.2.1' },
  { ...aNode('m1', { role: 'manager' }), address: undefined },
  { ...aNode('down'), ready: false },
];

function hosts(
  services: readonly ReturnType<typeof aService>[],
  extension: object = {},
  running: readonly string[] = [],
) {
  const { settings } = parseSettings({ Extensions: { default: extension } }, '1');
  const nothing = { hostTasks: [], configs: [], secrets: [], owned: [] };
  const snapshot = { services, networks: [aNetwork('app')], nodes, ...nothing };
  const desired = buildDesiredState(snapshot, settings);
  const tasks = running.map((nodeId) => ({ state: 'running', nodeId }));
  return toHostViews({ desired, snapshot, outcomes: [{ name: 'default', tasks }] as never });
}

describe('hosts', () => {
  it('are listed with services and ports, without regular expressions', () => {
    const services = [
      aService('a', { lb: { hosts: 'a.test, *.b.test, ~^c[0-9]+$' } }),
      aService('api', { lb: { hosts: 'a.test', context_root: '/api' } }),
    ];

    expect(hosts(services, { PublishedPort: 80, PublishedSSLPort: 8443, PublicSSLPort: 443 })).toMatchObject([
      { cluster: 'default', host: 'a.test', services: ['api', 'a'], httpPort: 80, httpsPort: 443, certificate: null },
      { cluster: 'default', host: '*.b.test', services: ['a'] },
    ]);
  });

  it('answer on every ready node through the routing mesh', () => {
    const [host] = hosts([aService('a')]);

    expect(host!.nodes).toEqual([
      { name: 'm1', address: null },
      { name: 'w1', address: '192.0.2.1' },
      { name: 'w2', address: '192.0.2.2' },
    ]);
  });

  it('answer on the nodes with a proxy otherwise', () => {
    const [host] = hosts([aService('a')], { PublishMode: 'host' }, ['w2', 'down']);

    expect(host!.nodes).toEqual([{ name: 'w2', address: '192.0.2.2' }]);
  });

  it('are limited to the cluster of a token', () => {
    const all = hosts([aService('a')]);

    expect(scopeHosts(all, { cluster: 'east' })).toEqual([]);
    expect(scopeHosts(all, { cluster: 'default' })).toEqual(all);
    expect(toHostViews(undefined)).toEqual([]);
  });
});
