import { describe, expect, it } from 'vitest';
import { eligibleNodes, meetsConstraint } from '../../../src/model/own-services/constraints.ts';
import { aNode, anywhere } from '../../support/builders.ts';

const node = aNode('n1', {
  name: 'Edge-1',
  address: '10.1.2.3',
  labels: { zone: 'a', Zone: 'upper' },
  engineLabels: { storage: 'ssd' },
});

describe('a placement constraint', () => {
  it.each([
    ['node.id==n1', true],
    ['node.id==n2', false],
    ['node.id!=n2', true],
    ['node.hostname==edge-1', true],
    ['node.hostname != edge-1', false],
    ['node.role==worker', true],
    ['node.role == Worker', true],
    ['NODE.ROLE==manager', false],
    ['node.role!=manager', true],
    ['node.platform.os==linux', true],
    ['node.platform.arch==x86_64', true],
    // Swarm compares with what the engine reports.
    ['node.platform.arch==amd64', false],
    ['node.labels.zone==a', true],
    ['node.labels.zone==b', false],
    ['node.labels.zone!=b', true],
    // Label names are case-sensitive.
    ['node.labels.Zone==upper', true],
    ['node.labels.ZONE==a', false],
    ['node.labels.missing==a', false],
    ['node.labels.missing!=a', true],
    ['engine.labels.storage==ssd', true],
    ['engine.labels.storage!=ssd', false],
    ['engine.labels.zone==a', false],
    ['node.ip==10.1.2.3', true],
    ['node.ip!=10.1.2.3', false],
    ['node.ip==10.1.0.0/16', true],
    ['node.ip==10.2.0.0/16', false],
    ['node.ip!=10.2.0.0/16', true],
    ['node.ip==2001:db8::1', false],
    ['node.ip!=2001:db8::/32', true],
    ['node.ip!=10.1.0.0/33', false],
    ['node.ip!=edge', false],
    ['node.unknown==a', false],
    ['node.unknown!=a', false],
    ['node.labels.==a', false],
    ['node.role=worker', false],
    ['node.role', false],
    ['==worker', false],
    ['node.role==', false],
    // Swarm takes the first == as the operator.
    ['node.role!=a==b', false],
    ['node.labels.zone==<a>', false],
  ])('%s: %s', (constraint, expected) => {
    expect(meetsConstraint(node, constraint)).toBe(expected);
  });

  it('compares a missing attribute as an empty value', () => {
    const bare = aNode('n2', { platform: undefined, address: undefined });

    expect(meetsConstraint(bare, 'node.platform.os==linux')).toBe(false);
    expect(meetsConstraint(bare, 'node.platform.os!=windows')).toBe(true);
    expect(meetsConstraint(bare, 'node.ip==10.0.0.0/8')).toBe(false);
    expect(meetsConstraint(bare, 'node.ip!=10.0.0.0/8')).toBe(true);
  });
});

describe('nodes that may run a task', () => {
  const idsFor = (nodes: readonly ReturnType<typeof aNode>[], placement = {}) =>
    eligibleNodes(nodes, { ...anywhere, ...placement }).map(({ id }) => id);

  it('are ready and active', () => {
    expect(idsFor([aNode('a'), aNode('lost', { ready: false }), aNode('drained', { active: false })])).toEqual(['a']);
  });

  it('meet all constraints', () => {
    const nodes = [aNode('a', { labels: { zone: 'a' } }), aNode('b'), aNode('m', { role: 'manager' })];

    expect(idsFor(nodes, { constraints: ['node.role==worker', 'node.labels.zone!=a'] })).toEqual(['b']);
  });

  it.each([
    [{ os: 'linux', architecture: 'amd64' }, ['intel']],
    [{ os: 'linux', architecture: 'arm64' }, ['arm']],
    [{ os: 'linux', architecture: '' }, ['intel', 'arm']],
    [{ os: '', architecture: 'x86_64' }, ['intel']],
    [{ os: 'windows', architecture: 'amd64' }, []],
  ])('have a platform of the image: %j', (platform, expected) => {
    const nodes = [
      aNode('intel', { platform: { os: 'linux', architecture: 'x86_64' } }),
      aNode('arm', { platform: { os: 'linux', architecture: 'aarch64' } }),
      aNode('unknown', { platform: undefined }),
    ];

    expect(idsFor(nodes, { platforms: [platform] })).toEqual(expected);
    expect(idsFor(nodes)).toEqual(['intel', 'arm', 'unknown']);
  });
});
