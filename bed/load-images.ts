import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import type { BedNode } from './bed-node.ts';
import type { Engine } from './engine.ts';

/** Sends images of the outer engine to the nodes that lack them: one `save`, piped into each node's `load`. */
export async function loadImages(
  engine: Engine,
  nodes: readonly BedNode[],
  tags: readonly string[],
): Promise<readonly string[]> {
  const lacking = await Promise.all(nodes.map(async (node) => ({ node, tags: await missing(node, tags) })));
  const wanted = tags.filter((tag) => lacking.some((entry) => entry.tags.includes(tag)));
  const targets = lacking.filter((entry) => entry.tags.length > 0).map(({ node }) => node);
  if (wanted.length > 0) await send(engine, targets, wanted);
  return wanted;
}

/** Comparing tags is enough: a tag of the bed contains the digest of the image's inputs. */
async function missing(node: BedNode, tags: readonly string[]): Promise<string[]> {
  const present = new Set((await node.docker.listImages()).flatMap(({ RepoTags }) => RepoTags ?? []));
  return tags.filter((tag) => !present.has(tag));
}

async function send(engine: Engine, targets: readonly BedNode[], tags: readonly string[]): Promise<void> {
  const save = spawn(engine.cli, ['save', ...tags], { stdio: ['ignore', 'pipe', 'inherit'] });
  const sinks = targets.map(() => new PassThrough({ highWaterMark: 1 << 20 }));
  const loads = Promise.all(targets.map((node, index) => load(node, sinks[index]!)));
  const closed = once(save, 'close');
  const pump = async () => {
    for await (const chunk of save.stdout as AsyncIterable<Buffer>) {
      // The slowest node sets the pace. Otherwise the image accumulates in memory.
      await Promise.all(sinks.map((sink) => (sink.write(chunk) ? undefined : once(sink, 'drain'))));
    }
    for (const sink of sinks) sink.end();
    const [code] = await closed;
    if (code !== 0) throw new Error(`docker save ${tags.join(' ')} failed (${code})`);
  };
  await Promise.all([pump(), loads]);
}

/** Gives an image of the nodes the tag `latest`, so that services can use its name alone. */
export async function tagAsLatest(nodes: readonly BedNode[], image: string): Promise<void> {
  const [repo] = image.split(':');
  await Promise.all(nodes.map(({ docker }) => docker.getImage(image).tag({ repo: repo!, tag: 'latest' })));
}

async function load(node: BedNode, image: PassThrough): Promise<void> {
  const answer = await node.docker.loadImage(image, { quiet: 1 });
  let said = '';
  for await (const chunk of answer) said += chunk;
  // The engine answers 200 before it reads the image. Errors are in the body.
  if (said.includes('"error"')) throw new Error(`${node.name} rejected the images: ${said.slice(-500)}`);
}

/**
 * Removes images of earlier versions if they accumulate on a node. Removing one that a running task uses fails, and it
 * stays.
 */
export async function dropOldImages(node: BedNode, current: string): Promise<void> {
  const images = (await node.docker.listImages()).filter(({ RepoTags }) =>
    RepoTags?.some((tag) => /^signalbox\/.*-dev\./.test(tag) && !tag.endsWith(`:${current}`)),
  );
  const surplus = images.toSorted((a, b) => b.Created - a.Created).slice(8);
  for (const tag of surplus.flatMap(({ RepoTags }) => RepoTags ?? [])) {
    await node.docker
      .getImage(tag)
      .remove()
      .catch(() => {});
  }
}
