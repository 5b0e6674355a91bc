import { describe, expect, it } from 'vitest';
import { describeShape, fixedPorts, namesOf, parseShape, shapeOf, usualShape } from '../../../bed/bed-shape.ts';

describe('the shape of a bed', () => {
  it('defaults to one manager and two workers', () => {
    expect(parseShape({})).toEqual(usualShape);
    expect(namesOf(usualShape)).toEqual(['manager', 'worker1', 'worker2']);
  });

  it('numbers further managers after the first', () => {
    expect(namesOf(parseShape({ managers: '3', workers: '2' }))).toEqual([
      'manager',
      'manager2',
      'manager3',
      'worker1',
      'worker2',
    ]);
  });

  it.each`
    options                 | reason
    ${{ managers: '0' }}    | ${'--managers 0 is not 1, 3 or 5.'}
    ${{ managers: '2' }}    | ${'--managers 2 is not 1, 3 or 5.'}
    ${{ managers: 'many' }} | ${'--managers many is not 1, 3 or 5.'}
    ${{ workers: '0' }}     | ${'--workers 0 is not between 1 and 9.'}
    ${{ workers: '1.5' }}   | ${'--workers 1.5 is not between 1 and 9.'}
    ${{ workers: '10' }}    | ${'--workers 10 is not between 1 and 9.'}
  `('rejects $options', ({ options, reason }) => {
    expect(() => parseShape(options)).toThrow(reason);
  });

  it('is kept in a label of the nodes. Nodes without it have the default shape', () => {
    const shape = { managers: 3, workers: 2 };

    expect(shapeOf({ 'signalbox.bed.shape': describeShape(shape) })).toEqual(shape);
    expect(shapeOf({})).toEqual(usualShape);
  });
});

describe('the loopback ports', () => {
  it('stay the same for worker1, worker2 and the first manager', () => {
    for (const shape of [usualShape, parseShape({ managers: '5', workers: '9' })]) {
      expect(fixedPorts(shape, 'worker1')).toEqual([
        [8080, 8080],
        [8443, 8443],
      ]);
      expect(fixedPorts(shape, 'worker2')).toEqual([
        [8080, 8081],
        [8443, 8444],
      ]);
      expect(fixedPorts(shape, 'manager')).toEqual([
        [8080, 8082],
        [8443, 8445],
        [9443, 9443],
      ]);
    }
  });

  it('are different for every node', () => {
    const shape = parseShape({ managers: '5', workers: '9' });
    const outer = namesOf(shape).flatMap((name) => fixedPorts(shape, name).map(([, port]) => port));

    expect(new Set(outer).size).toBe(outer.length);
  });
});
