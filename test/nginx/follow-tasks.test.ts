// The real nginx and the agent's name watch, behind a DNS server with wrong answers.
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { buildDesiredState } from '../../src/model/desired-state.ts';
import type { NameDoubt } from '../../src/model/dns/name-doubts.ts';
import { toRenderInput } from '../../src/model/render-input.ts';
import { parseSettings } from '../../src/model/settings/settings.ts';
import { aNetwork, aNode, aService } from '../support/builders.ts';
import { eventually } from '../support/eventually.ts';
import { render } from '../support/golden.ts';
import { makeCertificate } from '../support/material.ts';
import { containerPort, NginxContainer } from '../support/nginx-container.ts';
import { sourcesOf } from '../support/sources-of.ts';

const name = 'tasks.web.app';
const tasks = ['127.0.0.1', '127.0.0.3'];
/** Outside the subnet of the network: a foreign container. */
const container = '127.0.0.5';

let nginx: NginxContainer;

const setAddresses = (...addresses: readonly string[]) => nginx.write('/tmp', { addresses: addresses.join(' ') });
const setNetworks = (networks: string) => nginx.write('/tmp', { networks });

/** What the controller renders for these tasks, with these names in doubt. */
function configuration(doubts: readonly NameDoubt[], addresses: readonly string[] = tasks): string {
  const { settings } = parseSettings({ Extensions: { default: { TargetPort: containerPort } } }, '1');
  const snapshot = {
    ...{ hostTasks: [], configs: [], secrets: [], owned: [] },
    services: [aService('web')],
    networks: [aNetwork('app', { subnets: ['127.0.0.0/30'] })],
    nodes: [aNode('node')],
    tasks: addresses.map((address) => ({
      ...{ id: address, serviceId: 'web', nodeId: 'node', since: 0 },
      addresses: { app: [address] },
    })),
  };
  const own = { names: new Map(doubts.map((doubt) => [doubt.name, doubt])), all: undefined };
  const { clusters } = buildDesiredState(snapshot, settings, [], undefined, new Map([['default', own]]));
  const { text } = render(toRenderInput(clusters[0]!)).files[0]!;
  return text.replaceAll('resolver 127.0.0.11', 'resolver 127.0.0.1:5353');
}

/** Tasks that answer this many requests, with the status of any that fails. */
async function answeredBy(requests = 20): Promise<Set<unknown>> {
  const found = new Set<unknown>();
  for (let done = 0; done < requests; done++) {
    const { status, headers } = await nginx.ask({ host: 'web.example.org' });
    found.add(status === 200 ? headers.task : status);
  }
  return found;
}

async function doubts(kind: NameDoubt['kind']): Promise<NameDoubt[]> {
  return eventually(
    async () => {
      const found = JSON.parse((await nginx.read('/tmp/doubts')) || '[]') as NameDoubt[];
      expect(found).toMatchObject([{ name, kind }]);
      return found;
    },
    { timeoutMs: 15_000 },
  );
}

async function startWatch(): Promise<void> {
  for (const [path, text] of sourcesOf('test/support/start-name-watch.ts'))
    await nginx.write(`/tmp/watch/${dirname(path)}`, { [basename(path)]: text });
  await nginx.startBeside('node', '/tmp/watch/test/support/start-name-watch.ts');
}

beforeAll(async () => {
  nginx = await NginxContainer.start();
  const folder = await mkdtemp(join(tmpdir(), 'follow-tasks-'));
  await makeCertificate(folder, 'site', { names: ['site'] });
  for (const file of ['site.key', 'site.crt']) await nginx.write('/tmp', { [file]: readFileSync(join(folder, file)) });
  await rm(folder, { recursive: true });
  await nginx.write('/tmp', { 'peer.mjs': readFileSync(new URL('../support/nginx-peer.mjs', import.meta.url)) });
  await setAddresses(...tasks);
  await setNetworks('app');
  await nginx.write('/tmp', { doubts: '[]' });
  await nginx.startBeside('node', '/tmp/peer.mjs');
  await nginx.serve(configuration([]));
  await eventually(async () => expect(await answeredBy()).toEqual(new Set(tasks)));
  await startWatch();
  return () => nginx[Symbol.asyncDispose]();
});

it('a container that takes over the name gets requests until the agents have detected it', async () => {
  await setAddresses(container);
  await eventually(async () => expect(await answeredBy()).toEqual(new Set([container])));

  const found = await doubts('foreign');
  expect(found).toEqual([{ name, kind: 'foreign', address: container }]);
  await nginx.reload(configuration(found));
  await eventually(async () => expect(await answeredBy()).toEqual(new Set(tasks)));
});

it('a name that does not exist although tasks are running ends in 502 until the agents have detected it', async () => {
  await setAddresses(...tasks);
  await nginx.reload(configuration([]));
  await eventually(async () => expect(await answeredBy()).toEqual(new Set(tasks)));
  await setNetworks('none');
  await eventually(async () => expect(await answeredBy(1)).toEqual(new Set([502])));

  await nginx.reload(configuration(await doubts('missing')));
  await eventually(async () => expect(await answeredBy()).toEqual(new Set(tasks)));
  await setNetworks('app');
});

it('a proxy without DNS keeps its addresses, and gets new ones when tasks change', async () => {
  await nginx.reload(configuration([]));
  await eventually(async () => expect(await answeredBy()).toEqual(new Set(tasks)));
  await nginx.write('/tmp', { silent: '' });

  const found = await doubts('silent');
  expect(await answeredBy()).toEqual(new Set(tasks));
  await nginx.reload(configuration(found, [tasks[1]!]));
  await eventually(async () => expect(await answeredBy()).toEqual(new Set([tasks[1]])));
});
