// Images of the nodes that replace those of the guides: no test may depend on a public registry.
import type Docker from 'dockerode';
import type { Bed } from '../../bed/bed.ts';

/** Answers over TCP and UDP with the name of its container, and repeats what it received. */
const streams = `
const name = require('node:os').hostname();
const answer = (text) => name + ' ' + text;
const serve = (socket) => socket.on('error', () => {}).on('data', (text) => socket.write(answer(text)));
for (const port of [53, 5432, 6379]) require('node:net').createServer(serve).listen(port);
const udp = require('node:dgram').createSocket('udp4');
udp.on('message', (text, { port, address }) => udp.send(answer(text), port, address)).bind(53);
process.on('SIGTERM', () => process.exit(0));
`;

/** Each is the demo with other instructions of a Dockerfile. */
const variants: Readonly<Record<string, readonly string[]>> = {
  'port-80': ['ENV PORT=80'],
  'version-1': ['ENV VERSION=1'],
  'version-2': ['ENV VERSION=2'],
  streams: ['HEALTHCHECK NONE', `ENTRYPOINT ${JSON.stringify(['node', '-e', streams])}`, 'CMD []'],
};

/** By the image in a guide. Services listen on the same ports as those of that image. */
const replaced: Readonly<Record<string, keyof typeof variants>> = {
  'traefik/whoami': 'port-80',
  nginx: 'port-80',
  'shop:1': 'version-1',
  'shop:2': 'version-2',
  'postgres:18': 'streams',
  'redis:8': 'streams',
  'coredns/coredns': 'streams',
};

const repo = 'signalbox/stand-in';

/** A compose file with our images. Its lines keep their numbers. */
export function withStandIns(compose: string): string {
  return compose.replaceAll(/(\bimage: *)(\S+)/g, (_, key: string, image: string) => {
    if (image.startsWith('signalbox/')) return `${key}${image}`;
    const variant = replaced[image];
    if (variant === undefined) throw new Error(`No image stands in for ${image}`);
    return `${key}${repo}:${variant}`;
  });
}

/** Creates the images on all nodes. */
export async function createStandIns(bed: Bed, demo: string): Promise<void> {
  await Promise.all(bed.nodes.map(({ docker }) => createOn(docker, demo)));
}

async function createOn(docker: Docker, demo: string): Promise<void> {
  const container = await docker.createContainer({ Image: demo });
  for (const [tag, changes] of Object.entries(variants))
    await container.commit({ repo, tag, changes: changes.join('\n') });
  await container.remove();
}
