import { readFile } from 'node:fs/promises';
import type { Bed } from '../../bed/bed.ts';
import type { BedNode } from '../../bed/bed-node.ts';

/** Parts of private keys that are found nowhere by chance: lines of their PEM text, and the same encoded again. */
export async function partsOfKeys(files: readonly string[]): Promise<string[]> {
  const texts = await Promise.all(files.map((file) => readFile(file, 'utf8')));
  return texts.flatMap((text) => {
    const [, body] = /BEGIN [A-Z ]*PRIVATE KEY-+\n([^-]+)-/.exec(text)!;
    const line = body!.split('\n')[0]!;
    return [line, ...[0, 1, 2].map((shift) => encodedAgain(line.slice(shift)))];
  });
}

/** Only the characters that do not depend on what stands beside the text. */
function encodedAgain(text: string): string {
  return Buffer.from(text.slice(0, text.length - (text.length % 3))).toString('base64');
}

/** Prints the files, environments and command lines of a container that contain one of the arguments. */
const SEARCH = `
const { readdirSync, readFileSync } = require('node:fs');
const parts = process.argv.slice(1);
const look = (path) => {
  try {
    const text = readFileSync(path, 'latin1');
    if (parts.some((part) => text.includes(part))) console.log(path);
  } catch {}
};
const walk = (folder) => {
  let entries = [];
  try { entries = readdirSync(folder + '/', { withFileTypes: true }); } catch {}
  for (const entry of entries) {
    const path = folder + '/' + entry.name;
    if (entry.isDirectory() && !['/proc', '/sys', '/dev'].includes(path)) walk(path);
    if (entry.isFile()) look(path);
  }
};
walk('');
for (const id of readdirSync('/proc').filter((name) => /^[0-9]+$/.test(name) && Number(name) !== process.pid))
  for (const file of ['environ', 'cmdline']) look('/proc/' + id + '/' + file);
`;

/** Where a running task of a service has one of the texts: files of all its file systems, environment, command lines. */
export async function foundInTask(bed: Bed, service: string, parts: readonly string[]): Promise<string[]> {
  const listed = await bed.exec(service, 'node', '-e', SEARCH, '--', ...parts);
  return listed.split('\n').filter((line) => line !== '');
}

/** Whether the disk of a node has one of the texts: logs, volumes, containers, images and the swarm's own data. */
export async function isOnDisk(node: BedNode, parts: readonly string[]): Promise<boolean> {
  const patterns = parts.flatMap((part) => ['-e', part]);
  const folders = ['/var/lib/docker', '/var/lib/containerd'];
  // Mounted secrets of applications are file systems of their own.
  const script = `find ${folders.join(' ')} -xdev -type f -exec grep -lsF "$@" {} + 2>/dev/null | grep -q .`;
  return (await node.exec('sh', '-c', script, 'search', ...patterns)) === 0;
}

/** Everything that Docker's API shows of the swarm and of the containers on its nodes, also what is encoded. */
export async function shownByDocker(bed: Bed): Promise<string> {
  const kinds = ['service', 'config', 'secret', 'network', 'node', 'volume'] as const;
  const shown = await Promise.all(
    kinds.map(async (kind) => {
      const ids = (await bed.docker(kind, 'ls', '-q')).split('\n').filter((id) => id !== '');
      return ids.length === 0 ? '' : bed.docker(kind, 'inspect', ...ids);
    }),
  );
  const configs = JSON.parse(shown[1] || '[]') as { readonly Spec: { readonly Data: string } }[];
  const decoded = configs.map(({ Spec }) => Buffer.from(Spec.Data, 'base64').toString('latin1'));
  const tasks = JSON.stringify(await bed.manager.docker.listTasks());
  const containers = await Promise.all(bed.nodes.map(inspectAll));
  return [...shown, ...decoded, tasks, ...containers].join('\n');
}

async function inspectAll({ docker }: BedNode): Promise<string> {
  const containers = await docker.listContainers({ all: true });
  const inspected = containers.map(async ({ Id }) => docker.getContainer(Id).inspect());
  const settled = await Promise.allSettled(inspected);
  return JSON.stringify(settled.map((one) => (one.status === 'fulfilled' ? one.value : {})));
}
