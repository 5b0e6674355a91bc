// A bed on which the release to upgrade from is deployed, for the project `upgrade`.
import type { TestProject } from 'vitest/node';
import { usualShape } from '../../bed/bed-shape.ts';
import { deployRelease } from '../../bed/deploy-signalbox.ts';
import { buildRelease, type Release } from '../../bed/release.ts';
import { step } from '../../bed/step.ts';
import { bedName, openEmptyBeds, removeBeds } from '../support/open-beds.ts';

declare module 'vitest' {
  interface ProvidedContext {
    readonly release: Release;
  }
}

const names = [bedName];

export async function setup(project: TestProject): Promise<void> {
  const from = process.env.UPGRADE_FROM;
  if (from === undefined) throw new Error('UPGRADE_FROM names no release: npm run upgrade -- --from v0.1.0');
  const { beds, prepared } = await openEmptyBeds(project, names, usualShape);
  const release = await step('release', ({ note }) => buildRelease(prepared, from, note));
  const [bed] = beds;
  await step('load', () => bed!.loadImages(...release.images));
  await step('deploy', () => deployRelease(bed!, release));
  project.provide('release', release);
}
export const teardown = (): Promise<void> => removeBeds(names);
