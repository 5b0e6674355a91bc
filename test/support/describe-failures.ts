// Runs in every file of the projects `swarm` and `managers`: what the swarm looks like when a story fails is part of the failure.
import { beforeEach, inject } from 'vitest';
import { describeSwarm } from '../../bed/await-route.ts';
import { storyBed } from '../../bed/story-bed.ts';

beforeEach(({ onTestFailed }) => {
  onTestFailed(async () => console.error(await describeSwarm(await storyBed(inject('beds')))));
});
