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

const sources = [
  { name: 'signalbox/controller', file: 'Dockerfile.controller', context: '.' },
  { name: 'signalbox/extension', file: 'Dockerfile.extension', context: '.' },
  { name: 'signalbox/proxy', file: 'Dockerfile.proxy', context: '.' },
  { name: 'signalbox/demo', file: 'docker/demo/Dockerfile', context: '.' },
] as const;

export interface Images {
  /** Tag of all images. */
  readonly version: string;
  readonly product: readonly string[];
  readonly swarmNode: string;
}

export async function ensureImages(engine: Engine, bases: BaseImages, progress: Progress): Promise<Images> {
  const version = currentVersion(bases);
  const network = await networkArgs();
  const args = { NODE_IMAGE: bases.node, NGINX_IMAGE: bases.nginx, ...network };
  const present = sources.filter(({ file }) => existsSync(join(project, file)));
  const built: string[] = [];
  for (const { name, file, context } of present) {
    const tag = `${name}:${version}`;
    if (await hasImage(engine, tag)) continue;
    progress.note(`building ${tag}`);
    await buildImage(engine, { context: join(project, context), file: join(project, file), tag, args }).catch(
      explain(file),
    );
    built.push(name);
  }
  const swarmNode = await ensureSwarmNode(engine, bases, progress);
  progress.done(`${version} ${built.length > 0 ? `built ${built.length}` : 'found'}`);
  return { version, product: present.map(({ name }) => `${name}:${version}`), swarmNode };
}

function currentVersion(bases: BaseImages): string {
  const { version } = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8')) as { version: string };
  return `${version}-dev.${digestOf(project, inputs, [bases.node, bases.nginx])}`;
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
