import { join } from 'node:path';
import { buildImage, hasImage } from '../../../bed/build-image.ts';
import { digestOf } from '../../../bed/digest.ts';
import { project } from '../../../bed/places.ts';
import type { Prepared } from '../../../bed/prepare.ts';

/** The image with h2load, sslscan and wrk; resolves with its tag. */
export async function ensureClients({ engine, bases }: Prepared): Promise<string> {
  const file = 'test/support/clients/Dockerfile';
  const tag = `signalbox/clients:${digestOf(project, [file], [bases.debian])}`;
  const context = join(project, 'test/support/clients');
  const args = { DEBIAN_IMAGE: bases.debian };
  if (!(await hasImage(engine, tag))) await buildImage(engine, { context, file: join(project, file), tag, args });
  return tag;
}
