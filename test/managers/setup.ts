// One bed of three managers and two workers, for the project `managers`.
import type { TestProject } from 'vitest/node';
import { bedName, openBeds, removeBeds } from '../support/open-beds.ts';

const names = [bedName];

export const setup = (project: TestProject): Promise<void> => openBeds(project, names, { managers: 3, workers: 2 });
export const teardown = (): Promise<void> => removeBeds(names);
