// An upgrade from another release and the way back, under traffic.
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { deployRelease, deploySignalbox } from '../../bed/deploy-signalbox.ts';
import { containersOf } from '../support/containers.ts';
import { eventually } from '../support/eventually.ts';
import { bed, settled } from '../support/interlock.ts';
import { Load } from '../support/load.ts';
import { answersOnEveryNode, deployStack, type Stack } from '../support/story.ts';

const host = 'upgrade.local';
const release = inject('release');
const current = inject('version');
let stack: Stack;

beforeAll(async () => {
  stack = await deployStack('upgrade', { app: { host, replicas: 3 } });
  await answersOnEveryNode(host);
});
afterAll(() => stack[Symbol.asyncDispose]());

/** Images of everything that runs. */
async function images(): Promise<string[]> {
  const services = ['signalbox_controller', 'signalbox-extension', 'signalbox-proxy'];
  const running = (await Promise.all(services.map(containersOf))).flat();
  return [...new Set(running.map(({ Config }) => Config.Image.split('@')[0]!))].toSorted();
}

async function allRun(version: string): Promise<void> {
  const wanted = ['controller', 'extension', 'proxy'].map((part) => `signalbox/${part}:${version}`);
  await eventually(async () => expect(await images()).toEqual(wanted), { timeoutMs: 300_000 });
  await settled();
}

it.each([
  ['to this version', () => deploySignalbox(bed, current), current],
  ['back to the other release', () => deployRelease(bed, release), release.version],
  ['to this version again', () => deploySignalbox(bed, current), current],
])('an upgrade %s loses no request, and changes go live after it', async (title, deploy, version) => {
  await using load = new Load({ host });
  const begun = performance.now();
  await deploy();
  await allRun(version);
  const seconds = Math.round((performance.now() - begun) / 1000);
  const changed = `${title.replaceAll(' ', '-')}.local`;
  await stack.deploy({ app: { host: `${host},${changed}`, replicas: 3 } });
  await answersOnEveryNode(changed);

  const { total, failed, failures } = await load.stop();
  console.log(`UPGRADE ${title}: ${failed} of ${total} requests lost, complete after ${seconds} s`);
  expect(failures).toEqual({});
});
