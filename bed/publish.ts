// npm run images -- --registry registry.example.org/signalbox [--push]: builds the images and names them for a
// registry, with the version of package.json as their tag.
import { parseArgs } from 'node:util';
import { ensureBaseImages } from './base-images.ts';
import { ensureEngine } from './engine.ts';
import { ensureProduct, packageVersion, services } from './images.ts';
import { project } from './places.ts';
import { run } from './shell.ts';
import { runCommand, StepFailed, step } from './step.ts';

const usage = 'npm run images -- --registry registry.example.org/signalbox --push';

await runCommand(async () => {
  const { registry, push } = parseArgs({
    options: { registry: { type: 'string' }, push: { type: 'boolean', default: false } },
  }).values;
  if (registry === undefined) throw new StepFailed('The registry is missing.', usage);
  const version = packageVersion();
  const engine = await step('engine', ensureEngine);
  const bases = await step('bases', (progress) => ensureBaseImages(engine, progress));
  const local = `${version}-local.${process.pid}`;
  const { product } = await step('build', (progress) =>
    ensureProduct(engine, bases, { folder: project, sources: services, version: local }, progress),
  );
  for (const image of product) {
    const name = image.replace(/^signalbox\//, `${registry.replace(/\/$/, '')}/`).replace(`:${local}`, `:${version}`);
    await step(push ? 'push' : 'tag', async ({ done }) => {
      await run(engine.cli, ['tag', image, name]);
      await run(engine.cli, ['image', 'rm', image]);
      if (push) await run(engine.cli, ['push', '--quiet', name]);
      done(name);
    });
  }
  return 0;
});
