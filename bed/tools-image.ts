import { dirname, join } from 'node:path';
import type { BaseImages } from './base-images.ts';
import { buildImage, hasImage } from './build-image.ts';
import { digestOf } from './digest.ts';
import { project } from './places.ts';
import type { Prepared } from './prepare.ts';

/**
 * Builds an image of Debian packages, signalbox/<name>, from a Dockerfile of the project. Returns its tag and whether
 * it already existed.
 */
export async function ensureToolsImage(
  { engine, bases }: Pick<Prepared, 'engine'> & { readonly bases: Pick<BaseImages, 'debian'> },
  name: string,
  dockerfile: string,
  inputs: readonly string[] = [dockerfile],
): Promise<{ readonly tag: string; readonly found: boolean }> {
  const tag = `signalbox/${name}:${digestOf(project, inputs, [bases.debian])}`;
  const found = await hasImage(engine, tag);
  const file = join(project, dockerfile);
  const args = { DEBIAN_IMAGE: bases.debian };
  if (!found) await buildImage(engine, { context: dirname(file), file, tag, args });
  return { tag, found };
}
