import { type BaseImages, ensureBaseImages } from './base-images.ts';
import { type Engine, ensureEngine } from './engine.ts';
import { ensureImages, type Images } from './images.ts';
import { step } from './step.ts';
import { sweepAndReport } from './sweep.ts';

export interface Prepared {
  readonly engine: Engine;
  readonly bases: BaseImages;
  readonly images: Images;
}

/** What every bed needs: an engine, base images and our images. */
export async function prepare(): Promise<Prepared> {
  const engine = await step('engine', ensureEngine);
  await sweepAndReport(engine);
  const bases = await step('bases', (progress) => ensureBaseImages(engine, progress));
  const images = await step('images', (progress) => ensureImages(engine, bases, progress));
  return { engine, bases, images };
}
