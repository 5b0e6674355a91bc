import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BaseImages } from './base-images.ts';
import { buildImage, hasImage, networkArgs } from './build-image.ts';
import { digestOf } from './digest.ts';
import type { Engine } from './engine.ts';
import { project } from './places.ts';
import { CommandFailed, lastLines } from './shell.ts';
import { type Progress, StepFailed } from './step.ts';

/** Inputs of the images. Their digest is the common version. */
const inputs = [
  'Dockerfile.acme',
  'Dockerfile.controller',
  'Dockerfile.extension',
  'Dockerfile.proxy',
  '.dockerignore',
  'package.json',
  'package-lock.json',
  'tsconfig.json',
  '.npmrc',
  'src',
  'bin',
  'templates',
  'docker',
];

interface Source {
  readonly name: string;
  /** Path of the Dockerfile. */
  readonly file: string;
}

/** The images that stack.yml and the controller use. */
export const services: readonly Source[] = ['acme', 'controller', 'extension', 'proxy'].map((part) => ({
  name: `signalbox/${part}`,
  file: `Dockerfile.${part}`,
}));

export const demo: Source = { name: 'signalbox/demo', file: 'docker/demo/Dockerfile' };

/** Labels of images for a registry. docker-bake.hcl sets the same ones. */
export function imageLabels(name: string, revision: string, source = ''): Readonly<Record<string, string>> {
  return {
    'org.opencontainers.image.title': name,
    'org.opencontainers.image.version': packageVersion(),
    'org.opencontainers.image.revision': revision,
    'org.opencontainers.image.source': source,
    'org.opencontainers.image.licenses': packageField('license'),
  };
}

export interface Images {
  /** Tag of all images. */
  readonly version: string;
  readonly product: readonly string[];
  readonly swarmNode: string;
}

export async function ensureImages(engine: Engine, bases: BaseImages, progress: Progress): Promise<Images> {
  const version = currentVersion(bases);
  const sources = [...services, demo].filter(({ file }) => existsSync(join(project, file)));
  const { product, built } = await ensureProduct(engine, bases, { folder: project, sources, version }, progress);
  const swarmNode = await ensureSwarmNode(engine, bases, progress);
  progress.done(`${version} ${built > 0 ? `built ${built}` : 'found'}`);
  return { version, product, swarmNode };
}

interface Product {
  /** Context of the builds. */
  readonly folder: string;
  readonly sources: readonly Source[];
  readonly version: string;
  readonly labels?: (name: string) => Readonly<Record<string, string>>;
}

/** Builds the images that are missing. */
export async function ensureProduct(
  engine: Engine,
  bases: BaseImages,
  { folder, sources, version, labels = () => ({}) }: Product,
  { note }: Pick<Progress, 'note'>,
): Promise<{ readonly product: readonly string[]; readonly built: number }> {
  const args = { NODE_IMAGE: bases.node, NGINX_IMAGE: bases.nginx, LEGO_IMAGE: bases.lego, ...(await networkArgs()) };
  const product: string[] = [];
  let built = 0;
  for (const { name, file } of sources) {
    const tag = `${name}:${version}`;
    product.push(tag);
    if (await hasImage(engine, tag)) continue;
    note(`building ${tag}`);
    const options = { context: folder, file: join(folder, file), tag, args, labels: labels(name) };
    await buildImage(engine, options).catch(explain(file));
    built += 1;
  }
  return { product, built };
}

/** The version of package.json. */
export const packageVersion = (): string => packageField('version');

function packageField(name: 'version' | 'license'): string {
  return (JSON.parse(readFileSync(join(project, 'package.json'), 'utf8')) as Record<typeof name, string>)[name];
}

function currentVersion(bases: BaseImages): string {
  return `${packageVersion()}-dev.${digestOf(project, inputs, [bases.node, bases.nginx, bases.lego])}`;
}

async function ensureSwarmNode(engine: Engine, bases: BaseImages, progress: Progress): Promise<string> {
  const tag = `signalbox/swarm-node:${digestOf(project, ['docker/node'], [bases.debian])}`;
  if (await hasImage(engine, tag)) return tag;
  progress.note(`building ${tag}`);
  const context = join(project, 'docker/node');
  const args = { DEBIAN_IMAGE: bases.debian };
  await buildImage(engine, { context, file: join(context, 'Dockerfile'), tag, args }).catch(
    explain('docker/node/Dockerfile'),
  );
  return tag;
}

const explain = (file: string) => (cause: unknown) => {
  const output = cause instanceof CommandFailed ? lastLines(cause.output, 25) : String(cause);
  throw new StepFailed(`${file} does not build:\n${output}`, 'Fix the errors in the last lines, then run this again.', {
    cause,
  });
};
