// npm run images -- --registry registry.example.org/signalbox [--push] [--source <address of the repository>]: builds the
// images and names them for a registry, with the version of package.json as their tag. docker-bake.hcl does the same for
// several platforms, if BuildKit is available.
import { parseArgs } from 'node:util';
import { ensureBaseImages } from './base-images.ts';
import { ensureEngine } from './engine.ts';
import { ensureProduct, imageLabels, packageVersion, services } from './images.ts';
import { project } from './places.ts';
import { run } from './shell.ts';
import { runCommand, StepFailed, step } from './step.ts';

const usage = 'npm run images -- --registry registry.example.org/signalbox --push';

await runCommand(async () => {
  const { registry, push, source } = parseArgs({
    options: {
      registry: { type: 'string' },
      push: { type: 'boolean', default: false },
      source: { type: 'string', default: process.env.SOURCE ?? '' },
    },
  }).values;
  if (registry === undefined) throw new StepFailed('The registry is missing.', usage);
  const version = packageVersion();
  const engine = await step('engine', ensureEngine);
  const bases = await step('bases', (progress) => ensureBaseImages(engine, progress));
  const local = `${version}-local.${process.pid}`;
  // An archive of the repository has no commit.
  const revision = (await run('git', ['rev-parse', 'HEAD'], { cwd: project }).catch(() => '')).trim();
  const labels = (name: string) => imageLabels(name, revision, source);
  const { product } = await step('build', (progress) =>
    ensureProduct(engine, bases, { folder: project, sources: services, version: local, labels }, progress),
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
