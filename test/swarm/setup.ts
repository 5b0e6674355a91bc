// The beds for the whole run of the project `swarm`. A story takes its own with `storyBed(inject('beds'))` of bed/story-bed.ts.
import type { TestProject } from 'vitest/node';
import { deploySignalbox } from '../../bed/deploy-signalbox.ts';
import { findEngine } from '../../bed/engine.ts';
import { openBed, removeBed } from '../../bed/open-bed.ts';
import { bedCount } from '../../bed/places.ts';
import { prepare } from '../../bed/prepare.ts';
import { step } from '../../bed/step.ts';
import { ensureToolsImage } from '../../bed/tools-image.ts';

declare module 'vitest' {
  interface ProvidedContext {
    readonly beds: readonly string[];
    /** Tag of the images signalbox/… on the nodes. */
    readonly version: string;
    /** Image of the clients that others have written. */
    readonly clients: string;
  }
}

const base = process.env.BED_NAME ?? 'test';
const names = Array.from({ length: bedCount }, (_, n) => (n === 0 ? base : `${base}-${n + 1}`));

export async function setup(project: TestProject): Promise<void> {
  const prepared = await prepare();
  const { engine, images } = prepared;
  const clients = await step('clients', () => ensureToolsImage(prepared, 'clients', 'test/support/clients/Dockerfile'));
  const open = async (name: string, note: (text: string) => void) => {
    // What a crashed run left behind would tell of the past.
    if (!process.env.KEEP_BED) await removeBed(engine.docker, name);
    return openBed(engine, { name, ports: 'random', image: images.swarmNode, note });
  };
  const beds = await step('nodes', async ({ note }) => {
    const opened = [];
    for (const name of names) opened.push(await open(name, note));
    return opened;
  });
  // One after the other: each reads all images once for its three nodes, and the disk is one.
  await step('load', async () => {
    for (const bed of beds) await bed.loadImages(...images.product);
  });
  await step('deploy', () => Promise.all(beds.map((bed) => deploySignalbox(bed, images.version))));
  project.provide('beds', names);
  project.provide('version', images.version);
  project.provide('clients', clients.tag);
}

export async function teardown(): Promise<void> {
  const engine = await findEngine();
  if (!engine || process.env.KEEP_BED) return;
  await Promise.all(names.map((name) => removeBed(engine.docker, name)));
}
