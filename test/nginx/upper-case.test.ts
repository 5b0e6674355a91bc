// Networks with upper-case letters in their names, behind a DNS server that compares them case-sensitively.
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { buildDesiredState } from '../../src/model/desired-state.ts';
import { toRenderInput } from '../../src/model/render-input.ts';
import { parseSettings } from '../../src/model/settings/settings.ts';
import { aNetwork, aNode, aService } from '../support/builders.ts';
import { eventually } from '../support/eventually.ts';
import { render } from '../support/golden.ts';
import { makeCertificate } from '../support/material.ts';
import { containerPort, NginxContainer } from '../support/nginx-container.ts';
import { sourcesOf } from '../support/sources-of.ts';

const networks = ['app', 'MyApp_default', 'ProxyNet'];
const tlsPort = 9443;
const services = [
  aService('plain'),
  aService('Service'),
  aService('web', { networks: ['MyApp_default'] }),
  aService('virtual', { networks: ['ProxyNet'], lb: { backend_mode: 'vip' } }),
  aService('shared', { networks: ['ProxyNet'], host: 'shared.example.org' }),
  aService('beside', { networks: ['app'], host: 'shared.example.org' }),
  aService('handed', { networks: ['ProxyNet'], port: '8443', lb: { ssl_passthrough: 'true' } }),
];
const upperCase = ['web', 'virtual', 'shared'];
const peer = readFileSync(new URL('../support/nginx-peer.mjs', import.meta.url));

let nginx: NginxContainer;

const setAddresses = (...addresses: readonly string[]) => nginx.write('/tmp', { addresses: addresses.join(' ') });
const status = async (name: string) => (await nginx.ask({ host: `${name}.example.org` })).status;

/** Status of an answer over TLS, from within the container. */
async function statusOverTls(host: string): Promise<string> {
  const curl = `curl -sk -m 5 -o /dev/null -w '%{http_code}' --connect-to ::127.0.0.1:${tlsPort} https://${host}/`;
  await nginx.startBeside('sh', '-c', `text=$(${curl}); echo "$text" >/tmp/over-tls`);
  return eventually(async () => {
    const text = await nginx.read('/tmp/over-tls');
    expect(text).toMatch(/^\d{3}\n$/);
    return text.trim();
  });
}

async function startRelay(): Promise<void> {
  for (const [path, text] of sourcesOf('test/support/start-name-relay.ts'))
    await nginx.write(`/tmp/relay/${dirname(path)}`, { [basename(path)]: text });
  await nginx.startBeside('node', '/tmp/relay/test/support/start-name-relay.ts');
}

beforeAll(async () => {
  nginx = await NginxContainer.start();
  const folder = await mkdtemp(join(tmpdir(), 'upper-case-'));
  await makeCertificate(folder, 'site', { names: ['site'] });
  for (const name of ['site.key', 'site.crt']) await nginx.write('/tmp', { [name]: readFileSync(join(folder, name)) });
  await rm(folder, { recursive: true });
  await nginx.write('/tmp', { 'peer.mjs': peer, networks: networks.join(' ') });
  await setAddresses('127.0.0.1');
  await nginx.startBeside('node', '/tmp/peer.mjs');
  const extension = { TargetPort: containerPort, TargetSSLPort: tlsPort };
  const { settings } = parseSettings({ Extensions: { default: extension } }, '1');
  const nothing = { hostTasks: [], configs: [], secrets: [], owned: [] };
  const snapshot = { services, networks: networks.map((name) => aNetwork(name)), nodes: [aNode('node')], ...nothing };
  const { clusters, problems } = buildDesiredState(snapshot, settings);
  expect(problems).toEqual([]);
  const { text } = render(toRenderInput(clusters[0]!)).files[0]!;
  await nginx.serve(text.replaceAll('resolver 127.0.0.11', 'resolver 127.0.0.1:5353'));
  return () => nginx[Symbol.asyncDispose]();
});

it('answers 502 without the relay, for these routes only', async () => {
  await eventually(async () => expect(await status('plain')).toBe(200));
  await eventually(async () => expect(await status('service')).toBe(200));

  for (const name of upperCase) expect(await status(name)).toBe(502);
});

it('answers 200 with the relay, in task and vip mode, and with TLS passthrough', async () => {
  await startRelay();

  for (const name of upperCase) await eventually(async () => expect(await status(name)).toBe(200));
  expect(await statusOverTls('handed.example.org')).toBe('200');
  for (const name of ['plain', 'service']) expect(await status(name)).toBe(200);
});

it('queries names as Docker knows them', async () => {
  const queried = Object.keys(JSON.parse(await nginx.read('/tmp/answers')));

  expect(queried.toSorted()).toEqual([
    'tasks.beside.app',
    'tasks.handed.ProxyNet',
    'tasks.plain.app',
    'tasks.service.app',
    'tasks.shared.ProxyNet',
    'tasks.web.MyApp_default',
    'virtual.ProxyNet',
  ]);
});

it('loses no request when tasks change', async () => {
  const statuses = new Map<number, number>();
  let isOver = false;
  const load = Promise.all(
    [...upperCase, ...upperCase].map(async (name) => {
      while (!isOver) {
        const now = await status(name);
        statuses.set(now, (statuses.get(now) ?? 0) + 1);
      }
    }),
  );
  for (const addresses of [['127.0.0.3', '127.0.0.4'], ['127.0.0.5'], ['127.0.0.1', '127.0.0.6'], ['127.0.0.1']]) {
    await setAddresses(...addresses);
    await new Promise((resolve) => setTimeout(resolve, 2500));
  }
  isOver = true;
  await load;

  expect([...statuses.keys()]).toEqual([200]);
  expect(statuses.get(200)).toBeGreaterThan(100);
});

it('empties an upstream if Docker reports that the name is gone', async () => {
  await nginx.write('/tmp', { networks: 'app' });

  for (const name of ['web', 'virtual']) await eventually(async () => expect(await status(name)).toBe(502));
  await nginx.write('/tmp', { networks: networks.join(' ') });
  for (const name of upperCase) await eventually(async () => expect(await status(name)).toBe(200));
});
