import { describe, expect, it } from 'vitest';
import { unevenSpread } from '../../../src/model/own-services/spread.ts';
import { aNode } from '../../support/builders.ts';

/** Replicas by the node that they run on. */
function tasksOn(counts: Readonly<Record<string, number>>) {
  return Object.entries(counts).flatMap(([nodeId, count]) => Array.from({ length: count }, () => ({ nodeId })));
}

describe('replicas', () => {
  const nodes = ['w1', 'w2', 'w3'].map((id) => aNode(id));

  it.each([
    [{ w1: 1, w2: 1 }],
    [{ w1: 1 }],
    [{}],
    [{ w1: 2, w2: 1, w3: 1 }],
    [{ w1: 2, w2: 2, w3: 2 }],
    // No other node can run them.
    [{ lost: 2 }],
  ])('on %j are spread', (counts) => {
    expect(unevenSpread(tasksOn(counts), nodes, [])).toBeUndefined();
  });

  it.each([
    [{ w1: 2 }, [['w1', 2]], ['w2', 'w3', 0]],
    [{ w1: 2, w2: 1 }, [['w1', 2]], ['w3', 0]],
    [{ w1: 3, w2: 1, w3: 2 }, [['w1', 3]], ['w2', 1]],
    [
      { w1: 2, w2: 2 },
      [
        ['w1', 2],
        ['w2', 2],
      ],
      ['w3', 0],
    ],
  ])('on %j are not', (counts, most, least) => {
    const count = least.at(-1);
    expect(unevenSpread(tasksOn(counts), nodes, [])).toEqual({
      most: most.map(([name, count]) => ({ name, count })),
      least: least.slice(0, -1).map((name) => ({ name, count })),
    });
  });

  it('are spread if there is one node, or none', () => {
    expect(unevenSpread(tasksOn({ w1: 3 }), [aNode('w1')], [])).toBeUndefined();
    expect(unevenSpread(tasksOn({ w1: 3 }), [], [])).toBeUndefined();
  });

  it('without a node do not count', () => {
    expect(unevenSpread([{ nodeId: undefined }, { nodeId: undefined }], nodes, [])).toBeUndefined();
  });
});

describe('placement preferences', () => {
  const zones = { a1: 'a', b1: 'b', b2: 'b' };
  const nodes = Object.entries(zones).map(([id, zone]) => aNode(id, { labels: { zone } }));
  const byZone = ['node.labels.zone'];

  it('come before nodes', () => {
    expect(unevenSpread(tasksOn({ b1: 1, b2: 1 }), nodes, byZone)).toEqual({
      most: [{ name: 'node.labels.zone=b', count: 2 }],
      least: [{ name: 'node.labels.zone=a', count: 0 }],
    });
    expect(unevenSpread(tasksOn({ a1: 3, b1: 2, b2: 1 }), nodes, byZone)).toBeUndefined();
    expect(unevenSpread(tasksOn({ a1: 3, b1: 2, b2: 1 }), nodes, [])).toBeDefined();
  });

  it('leave the nodes of a group to be compared', () => {
    expect(unevenSpread(tasksOn({ a1: 2, b1: 2 }), nodes, byZone)).toEqual({
      most: [{ name: 'b1', count: 2 }],
      least: [{ name: 'b2', count: 0 }],
    });
  });

  it('group nodes without the label separately', () => {
    const more = [...nodes, aNode('plain')];

    expect(unevenSpread(tasksOn({ a1: 2, b1: 1, b2: 1 }), more, byZone)).toMatchObject({
      least: [{ name: 'node.labels.zone=', count: 0 }],
    });
  });

  it('for anything but labels are ignored, as in Swarm', () => {
    expect(unevenSpread(tasksOn({ a1: 2 }), nodes, ['node.hostname'])).toMatchObject({
      most: [{ name: 'a1', count: 2 }],
    });
  });
});
