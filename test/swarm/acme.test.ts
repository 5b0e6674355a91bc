// Certificates from an ACME server: Pebble, as a service of the swarm.
import { randomUUID, type X509Certificate } from 'node:crypto';
import { connect } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deployPebble, ensureAcmeServers, pebbleSettings, readRoot } from '../../bed/acme.ts';
import { officials } from '../../bed/base-references.ts';
import { type NodeName, nodeNames } from '../../bed/bed-shape.ts';
import { hasImage } from '../../bed/build-image.ts';
import { findEngine } from '../../bed/engine.ts';
import { standIns } from '../../bed/places.ts';
import { timesToLive, watchSerials } from '../../bed/serials.ts';
import { WebSockets } from '../../bed/websockets.ts';
import type { CertificateView } from '../../src/controller/admin/certificates.ts';
import { LoadTool } from '../support/clients/tools.ts';
import {
  administer,
  bed,
  curl,
  defaultSettings,
  demo,
  eventually,
  InterlockStory,
  problemsOf,
  settled,
  useSettings,
} from '../support/interlock.ts';
import { Load } from '../support/load.ts';

const story = new InterlockStory();
/** Pebble has another root each time it starts, and certificates of an earlier run are kept. */
const run = randomUUID().slice(0, 6);
const host = `a-${run}.test`;
let root: string;

/** Another account of the same CA, whose certificates are renewed after a minute. */
const briefSettings = pebbleSettings.replace('[Acme.pebble]', '[Acme.brief]').replace('"default"', '"brief"');

beforeAll(async () => {
  const engine = (await findEngine())!;
  const debian = (await hasImage(engine, standIns.debian)) ? standIns.debian : officials.debian;
  const parts = { engine, bases: { debian } };
  await deployPebble(bed, parts, await ensureAcmeServers(parts));
  await bed.settle('acme_pebble', 1);
  root = await eventually(() => readRoot(bed));
  await useSettings(defaultSettings.replace('ProxyReplicas = 2', 'ProxyReplicas = 3') + pebbleSettings + briefSettings);
  await settled();
}, 400_000);

afterAll(async () => {
  await story.close();
  await bed.removeStack('acme');
  await useSettings(defaultSettings);
  await settled();
}, 300_000);

function stack(hosts: readonly string[], more: Readonly<Record<string, string>> = {}): string {
  const service = (host: string) => ({
    image: demo,
    networks: ['net'],
    deploy: {
      labels: { 'com.docker.lb.hosts': host, 'com.docker.lb.port': '8080', 'com.docker.lb.acme': 'pebble', ...more },
    },
  });
  return JSON.stringify({
    services: Object.fromEntries(hosts.map((host, n) => [`app${n}`, service(host)])),
    networks: { net: { driver: 'overlay' } },
  });
}

/** The certificate that a node presents to a client that trusts one root only. */
function presented(host: string, node: NodeName, ca = root): Promise<X509Certificate> {
  const { promise, resolve, reject } = Promise.withResolvers<X509Certificate>();
  const { host: address, port } = bed.node(node).address(8443);
  const socket = connect({ host: address, port, servername: host, ca, ALPNProtocols: ['http/1.1'] }, () => {
    resolve(socket.getPeerX509Certificate()!);
    socket.end();
  });
  socket.on('error', reject);
  socket.setTimeout(10_000, () => socket.destroy(new Error('timed out')));
  return promise;
}

/** Each request has its own connection, and with it a handshake that verifies the certificate. */
const newConnections = { tls: true, keepAlive: false, clients: 6, requestsPerSecond: 30 } as const;

function stopAll(tools: readonly LoadTool[]): AsyncDisposable {
  const stop = () => Promise.all(tools.map((tool) => tool[Symbol.asyncDispose]()));
  return { [Symbol.asyncDispose]: async () => void (await stop()) };
}

/** Hosts that wait for their first certificate, and why. */
async function withoutCertificate(hosts: readonly string[]) {
  const all = JSON.parse((await administer('/api/certificates')).body) as readonly CertificateView[];
  return all
    .filter(({ name, secret }) => secret === null && hosts.includes(name))
    .map(({ name, isOrdering, nextAt, reason }) => ({ name, isOrdering, nextAt, reason }));
}

/** Orders that all controllers have begun. */
async function orders(): Promise<
  readonly { readonly name: string; readonly at: number; readonly hasFailed?: boolean }[]
> {
  const names = (await bed.docker('config', 'ls', '--format', '{{.Name}}')).split('\n');
  const newest = names
    .filter((name) => /^signalbox\.acme\.\d+$/.test(name))
    .toSorted((a, b) => Number(b.split('.').at(-1)) - Number(a.split('.').at(-1)))[0];
  if (newest === undefined) return [];
  const [config] = JSON.parse(await bed.docker('config', 'inspect', newest)) as [{ Spec: { Data: string } }];
  return JSON.parse(Buffer.from(config.Spec.Data, 'base64').toString('utf8')).orders;
}

describe('a service with the label acme', () => {
  it('answers 503 over HTTP until it has a certificate, and then over TLS on every node, with the same one', async () => {
    const started = performance.now();
    await story.deploy('certified', stack([host]));
    let before = '';
    await eventually(async () => {
      const answer = await curl(host, '/ping');
      if (answer.status === 503) before ||= answer.body;
      await presented(host, 'worker1');
    }, 180_000);
    console.log(`a certificate after ${Math.round((performance.now() - started) / 1000)} s`);
    expect(before).not.toContain('instance');
    await settled();
    const serials = new Set<string>();
    for (const node of nodeNames) serials.add((await presented(host, node)).serialNumber);
    expect(serials.size).toBe(1);
    const answer = await curl(host, '/ping', { tls: true });
    expect(answer.status).toBe(200);
    await eventually(async () => expect(await problemsOf('certified_app0')).toEqual([]));
  }, 300_000);

  it('has a certificate of the internal CA within seconds, and no order', async () => {
    const started = performance.now();
    const ordered = await orders();
    const inside = `inside-${run}.test`;
    await story.deploy('inside', stack([inside], { 'com.docker.lb.acme': 'internal' }));
    const { body: ca } = await administer('/api/internal-ca');
    await eventually(() => presented(inside, 'worker1', ca), 120_000);
    console.log(`a certificate of the internal CA after ${Math.round((performance.now() - started) / 1000)} s`);
    await settled();
    for (const node of nodeNames) expect((await presented(inside, node, ca)).subjectAltName).toBe(`DNS:${inside}`);
    await expect(presented(inside, 'worker1')).rejects.toThrow(/verify|issuer/);
    const names = (await orders()).map(({ name }) => name);
    expect(names.filter((name) => name !== inside)).toEqual(ordered.map(({ name }) => name));
    await eventually(async () => expect(await problemsOf('inside_app0')).toEqual([]));
  }, 300_000);

  it('is ordered in a service without the Docker socket, which alone mounts the account key', async () => {
    const services = (await bed.manager.docker.listServices()) as unknown as {
      Spec: {
        Name: string;
        TaskTemplate: { ContainerSpec: { Mounts?: { Source?: string }[]; Secrets?: { SecretName: string }[] } };
      };
    }[];
    const mounting = services.filter(({ Spec }) =>
      (Spec.TaskTemplate.ContainerSpec.Secrets ?? []).some(({ SecretName }) => SecretName.includes('acme-account')),
    );
    expect(mounting.map(({ Spec }) => Spec.Name)).toEqual(['signalbox-acme']);
    expect(JSON.stringify(mounting[0]!.Spec.TaskTemplate.ContainerSpec.Mounts ?? [])).not.toContain('docker.sock');
    expect(await bed.logs('signalbox-acme')).not.toContain('PRIVATE KEY');
  });

  it('is renewed under traffic: no failed handshake or request, no closed WebSocket', async () => {
    const hosts = ['r0', 'r1', 'r2'].map((name) => `${name}-${run}.test`);
    await story.deploy('renewed', stack(hosts, { 'com.docker.lb.acme': 'brief' }));
    await eventually(async () => {
      for (const host of hosts) for (const node of nodeNames) await presented(host, node);
    }, 180_000);
    await settled();
    const proxies = await bed.runningIds('signalbox-proxy');
    using sockets = await WebSockets.open(bed, { count: 500, hosts, nodes: nodeNames, ca: root });
    await using handshakes = new Load({ host: hosts[0]!, nodes: nodeNames, ca: root, ...newConnections });
    const tools = hosts.map((host, n) => LoadTool.wrk(host, nodeNames[n]!, { connections: 8, delayMs: 15 }));
    await using _stopped = stopAll(tools);

    const seen = await watchSerials(bed, { hosts, count: 2, untilMs: 150_000 });
    await eventually(async () => {
      const counts = await Promise.all(tools.map((tool) => tool.requests()));
      expect(counts.reduce((sum, count) => sum + count, 0)).toBeGreaterThan(50_000);
    }, 180_000);

    const tallies = await Promise.all(tools.map((tool) => tool.stop()));
    const report = await handshakes.stop();
    console.log(JSON.stringify({ tallies, report, closed: sockets.closed }));
    const total = tallies.reduce((sum, tally) => sum + tally.total, report.total);
    expect(tallies.map(({ failures }) => failures)).toEqual(hosts.map(() => ({})));
    expect(report.failures).toEqual({});
    expect(total).toBeGreaterThan(50_000);
    expect(sockets.closed).toBe(0);
    expect(await sockets.answering()).toBe(500);
    expect(await bed.runningIds('signalbox-proxy')).toEqual(proxies);

    expect(seen).toHaveLength(3);
    const live = await timesToLive(bed, seen);
    expect(live.map(({ host, proxies }) => [host, proxies])).toEqual(hosts.map((host) => [host, 3]));
    const delays = live.map(({ ms }) => ms);
    console.log(`${total} requests; a renewed certificate was live on all proxies after ${delays.join(', ')} ms`);
    // About 3 s on an idle machine. Here, clients, nodes and proxies share two cores.
    for (const delay of delays) expect(delay).toBeLessThan(30_000);
  }, 400_000);

  it('is ordered once, also by two controllers, for 20 hosts', async () => {
    await bed.docker('service', 'scale', '--detach', 'signalbox_controller=2');
    await bed.settle('signalbox_controller', 2);
    const hosts = Array.from({ length: 20 }, (_, n) => `h${n}-${run}.test`);
    const started = performance.now();
    await story.deploy('many', stack(hosts));
    await eventually(async () => {
      expect(await withoutCertificate(hosts)).toEqual([]);
      for (const host of hosts) await presented(host, 'worker1');
    }, 360_000);
    console.log(`20 certificates after ${Math.round((performance.now() - started) / 1000)} s`);
    // Another name at each attempt: orders are kept.
    const asked = `asked-${Date.now().toString(36)}.test`;
    await story.deploy('asked', stack([asked], { 'com.docker.lb.acme': 'brief' }));
    const old = await eventually(() => presented(asked, 'worker1'), 180_000);
    await settled();
    const watched = watchSerials(bed, { hosts: [asked], count: 2, untilMs: 45_000 });
    const path = `/api/certificates/${asked}/renewal`;
    const answer = await administer(path, { method: 'POST' });
    expect(answer.status, answer.body).toBe(200);
    const live = await timesToLive(bed, await watched);
    expect(live).toMatchObject([{ host: asked, proxies: 3 }]);
    console.log(`without load, a renewed certificate was live on all proxies after ${live[0]!.ms} ms`);
    await eventually(async () => {
      expect((await presented(asked, 'worker1')).serialNumber).not.toBe(old.serialNumber);
    });
    // The second order is the one that was asked for: the certificate itself is due after 54 s.
    const ofAsked = (await orders()).filter(({ name, hasFailed }) => name === asked && hasFailed !== true);
    expect(ofAsked).toHaveLength(2);
    expect(ofAsked[1]!.at - ofAsked[0]!.at).toBeLessThan(50_000);
    await bed.docker('service', 'scale', '--detach', 'signalbox_controller=1');
    await bed.settle('signalbox_controller', 1);
    const ended = await orders();
    const begun = ended.filter(({ name }) => /^h\d/.test(name));
    const failed = ended.filter(({ hasFailed }) => hasFailed === true);
    console.log(`${failed.length} orders failed and were repeated`);
    const issued = begun.filter(({ hasFailed }) => hasFailed !== true).map(({ name }) => name);
    expect(issued.toSorted()).toEqual(hosts.toSorted());
  }, 500_000);
});
