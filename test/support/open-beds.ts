// The beds of a complete run of a project. A test file gets its own with `storyBed(inject('beds'))` of
// bed/story-bed.ts.
import type { TestProject } from 'vitest/node';
import type { BedShape } from '../../bed/bed-shape.ts';
import { deploySignalbox } from '../../bed/deploy-signalbox.ts';
import { findEngine } from '../../bed/engine.ts';
import { openBed, removeBed } from '../../bed/open-bed.ts';
import { currentOwner } from '../../bed/owner.ts';
import { prepare } from '../../bed/prepare.ts';
import { step } from '../../bed/step.ts';
import { refuseIfUsed } from '../../bed/sweep.ts';
import { ensureToolsImage } from '../../bed/tools-image.ts';

declare module 'vitest' {
  interface ProvidedContext {
    readonly beds: readonly string[];
    /** Tag of the images signalbox/… on the nodes. */
    readonly version: string;
    /** Image with third-party clients. */
    readonly clients: string;
  }
}

/** Name of the first bed of a run. */
export const bedName = process.env.BED_NAME ?? 'test';
const owner = process.env.KEEP_BED ? undefined : currentOwner();

export async function openBeds(project: TestProject, names: readonly string[], shape: BedShape): Promise<void> {
  const { beds, prepared } = await openEmptyBeds(project, names, shape);
  await step('deploy', () => Promise.all(beds.map((bed) => deploySignalbox(bed, prepared.images.version))));
}

/** Beds with all images and without Signalbox. */
export async function openEmptyBeds(project: TestProject, names: readonly string[], shape: BedShape) {
  const prepared = await prepare();
  const { engine, images } = prepared;
  const clients = await step('clients', () => ensureToolsImage(prepared, 'clients', 'test/support/clients/Dockerfile'));
  const open = async (name: string, note: (text: string) => void) => {
    await refuseIfUsed(engine.docker, name);
    // State from an earlier run would be out of date.
    if (!process.env.KEEP_BED) await removeBed(engine.docker, name);
    return openBed(engine, { name, ports: 'random', image: images.swarmNode, shape, owner, note });
  };
  const beds = await step('nodes', async ({ note }) => {
    const opened = [];
    for (const name of names) opened.push(await open(name, note));
    return opened;
  });
  // One after the other: each reads all images once for all its nodes, from the same disk.
  await step('load', async () => {
    for (const bed of beds) await bed.loadProduct(images);
  });
  project.provide('beds', names);
  project.provide('version', images.version);
  project.provide('clients', clients.tag);
  return { beds, prepared };
}

export async function removeBeds(names: readonly string[]): Promise<void> {
  const engine = await findEngine();
  if (!engine || process.env.KEEP_BED) return;
  // If this run was taken for ended, another one may have opened beds with these names.
  await Promise.all(names.map((name) => removeBed(engine.docker, name, owner)));
}
