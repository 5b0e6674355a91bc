// The bed: a swarm whose nodes are containers, for development and tests. The product does not know about it.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const project = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');

/** Local state of this checkout, ignored by git. */
export const stateDir = join(project, '.bed');

/** The engine that we started, with its binaries and data: one for all checkouts on this machine. */
export const engineHome = process.env.SIGNALBOX_ENGINE_HOME ?? '/var/lib/signalbox-bed';

export const defaultSocket = '/var/run/docker.sock';

/** Every object of a bed has this label with the bed's name, so that it can be found and removed after a crash. */
export const bedLabel = 'signalbox.bed';
export const nodeLabel = 'signalbox.bed.node';
export const shapeLabel = 'signalbox.bed.shape';

export const standIns = {
  debian: 'signalbox/base-debian:forky',
  node: 'signalbox/base-node:24',
  nginx: 'signalbox/base-nginx:1.30',
  lego: 'signalbox/base-lego:4.35.2',
} as const;

/**
 * Number of beds for a run of the swarm tests. Test files run in parallel, one bed for each vitest worker. A kept bed
 * serves one file at a time.
 */
export const bedCount = process.env.KEEP_BED ? 1 : Number(process.env.BED_COUNT ?? 2);
