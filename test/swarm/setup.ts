// Beds of the default shape, for the project `swarm`.
import type { TestProject } from 'vitest/node';
import { usualShape } from '../../bed/bed-shape.ts';
import { bedCount } from '../../bed/places.ts';
import { bedName, openBeds, removeBeds } from '../support/open-beds.ts';

const names = Array.from({ length: bedCount }, (_, n) => (n === 0 ? bedName : `${bedName}-${n + 1}`));

export const setup = (project: TestProject): Promise<void> => openBeds(project, names, usualShape);
export const teardown = (): Promise<void> => removeBeds(names);
