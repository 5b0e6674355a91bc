import { cpSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { officials } from './base-references.ts';
import { buildImage, hasImage } from './build-image.ts';
import { digestOf } from './digest.ts';
import type { Engine } from './engine.ts';
import { project, standIns, stateDir } from './places.ts';
import { run } from './shell.ts';
import { type Progress, StepFailed } from './step.ts';

export interface BaseImages {
  readonly debian: string;
  readonly node: string;
  readonly nginx: string;
  readonly lego: string;
}

/**
 * The official images if a registry answers, else substitutes built from Debian packages. Decided once for all of them.
 */
export async function ensureBaseImages(engine: Engine, progress: Progress): Promise<BaseImages> {
  const outcome = (images: BaseImages, text: string): BaseImages => {
    progress.done(text);
    return images;
  };
  if (await standInsAreThere(engine)) return outcome(standIns, 'found stand-ins of Debian packages');
  if (await allThere(engine, Object.values(officials))) return outcome(officials, 'found the official ones');
  progress.note('asking the registry');
  if (await registryAnswers(engine)) {
    for (const image of Object.values(officials)) {
      progress.note(`pulling ${image}`);
      await run(engine.cli, ['pull', '--quiet', image]);
    }
    return outcome(officials, 'pulled the official ones');
  }
  await makeStandIns(engine, progress);
  return outcome(standIns, 'no registry answers: made stand-ins of Debian packages');
}

const inputsOf = (name: 'node' | 'nginx' | 'lego') =>
  digestOf(project, [`bed/base/${name}.Dockerfile`, 'bed/base-debian.sh']);
const inputsLabel = 'signalbox.inputs';

async function standInsAreThere(engine: Engine): Promise<boolean> {
  if (!(await hasImage(engine, standIns.debian))) return false;
  for (const name of ['node', 'nginx', 'lego'] as const) {
    const image = await engine.docker
      .getImage(standIns[name])
      .inspect()
      .catch(() => undefined);
    if (image?.Config.Labels?.[inputsLabel] !== inputsOf(name)) return false;
  }
  return true;
}

async function allThere(engine: Engine, images: readonly string[]): Promise<boolean> {
  return (await Promise.all(images.map((image) => hasImage(engine, image)))).every(Boolean);
}

/**
 * Asks the engine, not the network: the engine may have its own mirror or proxy. A registry that starts to answer gets
 * time to finish.
 */
async function registryAnswers(engine: Engine): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const impatience = setTimeout(() => resolve(false), 15_000);
  engine.docker.pull(officials.nginx).then(
    (stream) => {
      stream.on('data', (chunk: Buffer) => {
        if (/"status":"(Pulling fs layer|Status: |Digest: )/.test(String(chunk))) resolve(true);
      });
      stream.on('end', () => resolve(false));
      stream.on('error', () => resolve(false));
    },
    () => resolve(false),
  );
  return promise.finally(() => clearTimeout(impatience));
}

async function makeStandIns(engine: Engine, progress: Progress): Promise<void> {
  if (!(await hasImage(engine, standIns.debian))) {
    progress.note('no registry answers: building Debian with debootstrap');
    const path = `${process.env.PATH}:/usr/sbin:/sbin`;
    await run(join(project, 'bed/base-debian.sh'), ['forky', standIns.debian], {
      env: { ...process.env, PATH: path },
    }).catch(noDebian);
  }
  progress.note('adding nginx, lego and Node.js to it');
  await Promise.all([makeFromPackages(engine, 'nginx'), makeFromPackages(engine, 'lego'), makeNode(engine)]);
}

function noDebian(cause: unknown): never {
  const remedy = `Pull or load ${Object.values(officials).join(', ')}, or run as root on Debian or Ubuntu with debootstrap.`;
  throw new StepFailed(`No registry answers, and base images cannot be built: ${cause}`, remedy, { cause });
}

async function makeFromPackages(engine: Engine, name: 'nginx' | 'lego'): Promise<void> {
  const context = join(project, 'bed/base');
  const labels = { [inputsLabel]: inputsOf(name) };
  const args = { DEBIAN_IMAGE: standIns.debian };
  const file = join(context, `${name}.Dockerfile`);
  await buildImage(engine, { context, file, tag: standIns[name], labels, args });
}

/**
 * Node comes from the npm package that runs this script. npm comes as the package npm, through the host's npm and its
 * settings.
 */
async function makeNode(engine: Engine): Promise<void> {
  const context = join(stateDir, 'base-node');
  rmSync(context, { recursive: true, force: true });
  mkdirSync(context, { recursive: true });
  cpSync(process.execPath, join(context, 'node'));
  await run('npm', ['pack', '--silent', 'npm@11'], { cwd: context });
  const tarball = readdirSync(context).find((name) => name.endsWith('.tgz'))!;
  await run('tar', ['-xzf', tarball], { cwd: context });
  rmSync(join(context, tarball));
  renameSync(join(context, 'package'), join(context, 'npm'));
  const file = join(project, 'bed/base/node.Dockerfile');
  const labels = { [inputsLabel]: inputsOf('node') };
  await buildImage(engine, { context, file, tag: standIns.node, labels, args: { DEBIAN_IMAGE: standIns.debian } });
  rmSync(context, { recursive: true, force: true });
}
