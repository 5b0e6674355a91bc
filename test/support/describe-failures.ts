// Runs in every file of the projects `swarm` and `managers`: a failed test includes the state of the swarm.
import { beforeEach, inject } from 'vitest';
import { describeSwarm } from '../../bed/await-route.ts';
import { storyBed } from '../../bed/story-bed.ts';

beforeEach(({ onTestFailed }) => {
  onTestFailed(async () => console.error(await describeSwarm(await storyBed(inject('beds')))));
});
