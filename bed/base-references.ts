import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { project } from './places.ts';

/** Dockerfiles that take a base image as an argument. The first one decides. */
export const baseArguments = {
  debian: { argument: 'DEBIAN_IMAGE', files: ['docker/node/Dockerfile'] },
  node: {
    argument: 'NODE_IMAGE',
    files: [
      'Dockerfile.acme',
      'Dockerfile.controller',
      'Dockerfile.extension',
      'Dockerfile.proxy',
      'docker/demo/Dockerfile',
    ],
  },
  nginx: { argument: 'NGINX_IMAGE', files: ['Dockerfile.proxy', 'Dockerfile.extension'] },
  lego: { argument: 'LEGO_IMAGE', files: ['Dockerfile.acme'] },
} as const;

export type BaseName = keyof typeof baseArguments;

/** Default of an argument, such as `nginx:1.30` or, pinned, `nginx:1.30@sha256:…`. */
export function referenceIn(dockerfile: string, argument: string): string {
  const reference = new RegExp(`^ARG ${argument}=(\\S+)$`, 'm').exec(dockerfile)?.[1];
  if (reference === undefined) throw new Error(`The Dockerfile has no default for ${argument}`);
  return reference;
}

/** The Dockerfile with another digest. The tag stays for readability. */
export function pinReference(dockerfile: string, argument: string, digest: string): string {
  if (!/^sha256:[0-9a-f]{64}$/.test(digest)) throw new Error(`${digest} is no digest`);
  const [tag] = referenceIn(dockerfile, argument).split('@');
  return dockerfile.replace(new RegExp(`^ARG ${argument}=\\S+$`, 'm'), `ARG ${argument}=${tag}@${digest}`);
}

function officialOf(name: BaseName): string {
  const { argument, files } = baseArguments[name];
  return referenceIn(readFileSync(join(project, files[0]), 'utf8'), argument);
}

export const officials = {
  debian: officialOf('debian'),
  node: officialOf('node'),
  nginx: officialOf('nginx'),
  lego: officialOf('lego'),
} as const;
