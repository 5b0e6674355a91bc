// The guides, with their commands as written: uninstall, install, and the first route.
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { deploySignalbox } from '../../bed/deploy-signalbox.ts';
import { containersOf } from '../support/containers.ts';
import { commandsOf } from '../support/documents.ts';
import { eventually } from '../support/eventually.ts';
import type { GuideShell } from '../support/guide-shell.ts';
import { openGuides, signIn } from '../support/guide-world.ts';
import { bed } from '../support/interlock.ts';

const version = inject('version');
const slowly = { timeoutMs: 150_000, intervalMs: 1000 };

async function uninstall(shell: GuideShell): Promise<void> {
  const [disable] = shell.blocks('uninstall', '1. Turn routing off');
  const [removeStack] = shell.blocks('uninstall', '2. Remove the stack');
  const [removeStored] = shell.blocks('uninstall', '3. Remove what');
  const [cleanNode] = shell.blocks('uninstall', '4. Clean the nodes');
  await shell.run(disable!);
  await eventually(async () => expect(await bed.docker('service', 'ls')).not.toContain('signalbox-'), slowly);
  await shell.run(removeStack!);
  // Swarm ends the tasks a moment later. Until then the controller may store more.
  await eventually(async () => expect(await containersOf('signalbox_controller')).toEqual([]), slowly);
  await eventually(() => shell.run(removeStored!), slowly);
  // The images stay, for the installation.
  const [volumes] = commandsOf(cleanNode!);
  for (const node of bed.nodes) await eventually(() => shell.run(volumes!, node), slowly);
}

/** What belongs to Signalbox, except images. */
async function remains(shell: GuideShell): Promise<string[]> {
  const kinds = ['service', 'config', 'secret', 'network'].map((kind) => shell.run(`docker ${kind} ls`));
  const volumes = bed.nodes.map((node) => shell.run('docker volume ls', node));
  const lines = (await Promise.all([...kinds, ...volumes])).flatMap((text) => text.split('\n'));
  return lines.filter((line) => /signalbox|com\.docker\.interlock/.test(line));
}

async function install(shell: GuideShell): Promise<void> {
  const [deploy] = shell.blocks('install', '3. Deploy');
  const [unknownHost] = shell.blocks('install', '4. Check');
  await shell.run(deploy!);
  const listed = shell
    .blocks('install', '4. Check', '')[0]!
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => line.replaceAll(/\s+/g, ' ').replace(/:[\d.]+$/, `:${version}`));
  await eventually(async () => {
    const format = '{{.Name}} {{.Mode}} {{.Replicas}} {{.Image}}';
    const services = (await bed.docker('service', 'ls', '--format', format)).trim().split('\n');
    expect(services.filter((line) => line.startsWith('signalbox')).toSorted()).toEqual(listed.toSorted());
  }, slowly);
  await shell.until(unknownHost!, ' 503 ');
}

async function publish(shell: GuideShell): Promise<void> {
  const guide = 'first-route';
  shell.save('whoami.yml', shell.blocks(guide, '1. Write', 'yaml')[0]!);
  const [lint] = shell.blocks(guide, '2. Check it');
  expect(await shell.run(lint!)).toBe('Stack demo: 1 route of 1 service, no problems\n');
  for (const heading of ['3. Deploy it', '4. Change it']) {
    for (const command of commandsOf(shell.blocks(guide, heading)[0]!)) {
      if (command.startsWith('curl')) await shell.until(command, 'Instance');
      else await shell.run(command);
    }
  }
  const [routes, problems, explain] = commandsOf(shell.blocks(guide, '5. If it')[0]!);
  expect(await shell.run(routes!)).toMatch(
    /hello\.example\.org .* \d of 4 tasks\nwhoami\.example\.org .* \d of 4 tasks\n/,
  );
  expect(await shell.run(problems!)).toContain('No problems');
  expect(await shell.run(explain!)).toContain('demo_whoami by the route whoami.example.org/');
}

let shell: GuideShell;
beforeAll(async () => {
  shell = await openGuides();
});
afterAll(() => shell[Symbol.dispose]());

it('work on a swarm: uninstall leaves nothing, install and first route end with a service that answers', async () => {
  await deploySignalbox(bed, version);
  try {
    await signIn(shell);
    expect((await remains(shell)).length).toBeGreaterThan(10);
    await uninstall(shell);
    expect(await remains(shell)).toEqual([]);
    await install(shell);
    await signIn(shell);
    await publish(shell);
  } finally {
    await bed.removeStack('demo').catch(() => {});
    await deploySignalbox(bed, version);
  }
  await signIn(shell);
});

it('run all of their commands', () => {
  expect(shell.left('guides')).toEqual([]);
});
