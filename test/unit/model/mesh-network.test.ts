import { describe, expect, it } from 'vitest';
import { noAcme } from '../../../src/model/acme/facts.ts';
import { parseService } from '../../../src/model/parse-service.ts';
import { unknownMaterial } from '../../../src/model/secrets/material.ts';
import { unknownUse } from '../../../src/model/secrets/secret-use.ts';
import type { SwarmNetwork } from '../../../src/model/snapshot.ts';
import { aNetwork, aService } from '../../support/builders.ts';

const mesh = { 'com.docker.ucp.mesh.http': '80=http://app.example.org' };
const labeled = { isMesh: true } as const;

/** The network over which the proxies reach the service. */
function networkOf(networks: readonly SwarmNetwork[], labels: Readonly<Record<string, string>> = mesh) {
  const service = { ...aService('app', { networks: networks.map(({ id }) => id) }), labels };
  const { routes } = parseService(service, {
    networks: new Map(networks.map((network) => [network.id, network])),
    nodes: new Map(),
    hostTasks: new Map(),
    secrets: new Map(),
    nodeCount: 1,
    acme: noAcme,
    clusters: new Map(),
    secretUse: unknownUse,
    material: unknownMaterial,
  });
  return routes[0]?.networkId;
}

describe('the network of a service with labels of the HTTP Routing Mesh', () => {
  const today = { 'com.docker.lb.hosts': 'app', 'com.docker.lb.port': '80' };

  it.each<[string, readonly SwarmNetwork[], string | undefined]>([
    ['ucp-hrm', [aNetwork('backend'), aNetwork('ucp-hrm')], 'ucp-hrm'],
    ['the labeled one', [aNetwork('backend'), aNetwork('front', labeled)], 'front'],
    ['the labeled one rather than ucp-hrm', [aNetwork('ucp-hrm'), aNetwork('front', labeled)], 'front'],
    ['ucp-hrm among several labeled ones', [aNetwork('a', labeled), aNetwork('ucp-hrm', labeled)], 'ucp-hrm'],
    ['none of several labeled ones', [aNetwork('a', labeled), aNetwork('b', labeled)], undefined],
    ['none of several others', [aNetwork('a'), aNetwork('b')], undefined],
    ['the only one', [aNetwork('a')], 'a'],
    [
      'never one that exists on a node only',
      [aNetwork('a'), aNetwork('b'), aNetwork('ucp-hrm', { driver: 'bridge' })],
      undefined,
    ],
  ])('is %s', (_, networks, expected) => {
    expect(networkOf(networks)).toBe(expected);
  });

  it('is the same one beside current labels, unless these name another', () => {
    const networks = [aNetwork('backend'), aNetwork('ucp-hrm')];

    expect(networkOf(networks, { ...mesh, ...today })).toBe('ucp-hrm');
    expect(networkOf(networks, { ...mesh, ...today, 'com.docker.lb.network': 'backend' })).toBe('backend');
  });

  it('does not affect current labels alone', () => {
    expect(networkOf([aNetwork('backend'), aNetwork('ucp-hrm')], today)).toBeUndefined();
  });
});
