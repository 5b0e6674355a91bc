import { expect, it } from 'vitest';
import { type ControllerTask, standing } from '../../../src/model/own-services/succession.ts';

const task = (id: string, basis: string, isRunning = true): ControllerTask => ({
  id,
  createdAt: `2026-01-01T00:00:0${id}Z`,
  isRunning,
  basis,
});

const former = task('1', 'old');
const starting = task('2', 'new', false);
const successor = task('2', 'new');

it.each([
  ['one task', [former], { 1: 'alone' }],
  ['two replicas of the same stack file', [task('1', 'old'), task('2', 'old')], { 1: 'alone', 2: 'alone' }],
  ['a forced update', [task('1', 'old'), task('2', 'old', false)], { 1: 'alone', 2: 'alone' }],
  ['a successor that starts, or never becomes healthy', [former, starting], { 1: 'decides', 2: 'waits' }],
  ['a successor that is healthy', [former, successor], { 1: 'waits', 2: 'decides' }],
  [
    'the first of two replicas being updated',
    [former, task('0', 'old'), successor],
    { 0: 'waits', 1: 'waits', 2: 'decides' },
  ],
  [
    'an update during an update',
    [former, successor, task('3', 'newer', false)],
    { 1: 'waits', 2: 'decides', 3: 'waits' },
  ],
  ['a roll-back', [task('1', 'new'), task('2', 'old')], { 1: 'waits', 2: 'decides' }],
  ['a dead former controller', [task('1', 'old', false), starting], { 2: 'decides' }],
  ['a former controller that Swarm is ending, because the update is complete', [successor], { 1: 'waits' }],
  ['a task that is missing from the list, while no other runs', [starting], { 9: 'alone' }],
])('%s', (_, tasks, expected) => {
  for (const [id, result] of Object.entries(expected)) expect(standing(tasks, id), id).toBe(result);
});
