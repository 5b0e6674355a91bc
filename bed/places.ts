// The bed: a swarm of nodes in containers, for development and for the tests. The product knows nothing of it.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const project = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');

/** Small state of this checkout; git ignores it. */
export const stateDir = join(project, '.bed');

/** The engine we started, its binaries and its data: one for all checkouts on this machine. */
export const engineHome = process.env.SIGNALBOX_ENGINE_HOME ?? '/var/lib/signalbox-bed';

export const defaultSocket = '/var/run/docker.sock';

/** Everything of a bed carries this label with the bed's name, so that it is found again and swept after a crash. */
export const bedLabel = 'signalbox.bed';
export const nodeLabel = 'signalbox.bed.node';
export const shapeLabel = 'signalbox.bed.shape';

export const standIns = {
  debian: 'signalbox/base-debian:forky',
  node: 'signalbox/base-node:24',
  nginx: 'signalbox/base-nginx:1.30',
} as const;

/** Beds that a run of the stories has: files run side by side, each worker of vitest on a bed of its own. One that is kept is for one file at a time. */
export const bedCount = process.env.KEEP_BED ? 1 : Number(process.env.BED_COUNT ?? 2);
