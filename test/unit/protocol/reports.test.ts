// A compromised proxy has its cluster's identity, and reports anything.
import { once } from 'node:events';
import { Agent, request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LinkClient } from '../../../src/controller/extension-client.ts';
import { Claims } from '../../../src/extension/claims.ts';
import { Offers } from '../../../src/extension/offers.ts';
import { createLinkServer } from '../../../src/extension/server.ts';
import { versionDigest } from '../../../src/model/version-digest.ts';
import { ReportRequest } from '../../../src/protocol/agent-messages.ts';
import { createAuthority, issueIdentity } from '../../../src/protocol/certificates.ts';
import { extensionName, proxyName } from '../../../src/protocol/names.ts';
import { MAX_REPORT_BYTES } from '../../../src/protocol/read-body.ts';
import { createAgentClient } from '../../../src/proxy/agent-client.ts';
import { TemplateSource } from '../../../src/render/template-source.ts';
import { eventually } from '../../support/eventually.ts';
import { certificateFacts, secretFacts } from '../../support/facts.ts';

const now = Date.now();
const host = '127.0.0.1';
const cluster = 'default';
const boot = '0123456789abcdef';
const version = 'fedcba9876543210';
const report = (task: string, more: object = {}) => ({
  task,
  boot,
  serving: boot,
  loaded: null,
  refused: null,
  secrets: [],
  ...more,
});
const authority = await createAuthority(now);
const [own, proxy] = await Promise.all([
  issueIdentity(authority, extensionName(cluster), now),
  issueIdentity(authority, proxyName(cluster), now),
]);

let extension: Awaited<ReturnType<typeof startExtension>>;

async function startExtension() {
  const offers = new Offers(Date.now);
  const logs: string[] = [];
  const server = createLinkServer({
    cluster,
    identity: own,
    prove: async () => ({}),
    templates: new TemplateSource({ 'nginx.conf': 'events {}' }),
    offers,
    logger: pino({ level: 'info' }, { write: (line: string) => logs.push(line) }),
  });
  server.listen(0, host);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const agent = new Agent({ ...proxy, keepAlive: true });
  /** Sent by a client that violates the protocol. */
  const attack = (
    body: string,
    headers: Readonly<Record<string, string>> = {},
    localAddress = '127.0.0.1',
    method = 'POST',
    path = '/report',
  ) => {
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    const servername = extensionName(cluster);
    const options = { host, port, servername, path, method, agent, headers, localAddress };
    const sent = request(options, (response) => resolve(response.resume().statusCode ?? 0));
    sent.on('error', reject);
    sent.end(body);
    return promise;
  };
  const stop = () => {
    agent.destroy();
    server.close();
    server.closeAllConnections();
  };
  const agentClient = () => createAgentClient({ identity: proxy, cluster, service: host, port });
  return { offers, logs, port, attack, agentClient, stop };
}

beforeEach(async () => {
  extension = await startExtension();
});
afterEach(() => extension.stop());

/** A report of a loaded version is answered immediately. */
const loaded = (task: string, more: object = {}) => JSON.stringify(report(task, { loaded: boot, ...more }));
const { signal } = new AbortController();

describe('the body of a report', () => {
  it('is rejected beyond 1 MB, announced or not', async () => {
    const body = JSON.stringify({ ...report('a'), junk: 'x'.repeat(24 * 1024 * 1024) });

    expect(await extension.attack(body, { 'content-length': String(body.length) })).toBe(413);
    await extension.attack(body, { 'transfer-encoding': 'chunked' }).then(
      (status) => expect(status).toBe(413),
      (error) => expect(error.code).toMatch(/EPIPE|ECONNRESET/),
    );
    expect(extension.offers.state.replicas).toEqual([]);
  });

  it.each([
    ['addresses', { certificates: [certificateFacts({ addresses: Array(300_000).fill('') })] }],
    ['names', { certificates: [certificateFacts({ names: Array(300_000).fill(0 as never) })] }],
    ['names that are too long', { certificates: Array(8).fill(certificateFacts({ names: ['x'.repeat(300)] })) }],
  ])('is checked in limited time with invalid %s', async (_, facts) => {
    const one = secretFacts('s', facts);
    const count = Math.min(900, Math.floor((MAX_REPORT_BYTES - 1000) / JSON.stringify(one).length));
    const body = loaded('a', { secrets: Array(count).fill(one) });
    expect(body.length).toBeLessThan(MAX_REPORT_BYTES);
    const start = performance.now();

    expect(await extension.attack(body)).toBe(400);
    expect(performance.now() - start).toBeLessThan(3000);
    expect(ReportRequest.safeParse(JSON.parse(body)).error!.issues).toHaveLength(1);
  });

  it('is checked in limited time if all of it is invalid', async () => {
    const start = performance.now();

    expect(await extension.attack(loaded('a', { secrets: Array(300_000).fill({}) }))).toBe(400);
    expect(
      await extension.attack(loaded('a', { secrets: Array(1000).fill({ certificates: Array(8).fill({}) }) })),
    ).toBe(400);
    expect(await extension.attack('[[[[')).toBe(400);
    expect(performance.now() - start).toBeLessThan(5000);
    expect(extension.logs.join('').length).toBeLessThan(2000);
  });
});

describe('a task', () => {
  it('accepts reports from one agent only, which can continue', async () => {
    const [victim, attacker] = [extension.agentClient(), extension.agentClient()];
    await victim.next(report('victim', { loaded: boot }), [], signal);

    await expect(attacker.next(report('victim', { serving: version }), [], signal)).rejects.toThrow(
      /409: .*Another agent reports for this task/,
    );
    expect(await extension.attack(loaded('victim'))).toBe(409);
    await victim.next(report('victim', { loaded: boot }), [], signal);

    expect(extension.offers.state.replicas).toEqual([{ task: 'victim', boot, serving: boot, refused: null }]);
    expect(extension.logs.filter((line) => line.includes('Rejected report'))).toHaveLength(1);
  });

  it('of an earlier release, whose agent sends no instance, accepts reports from one address', async () => {
    expect(await extension.attack(loaded('old'))).toBe(204);
    expect(await extension.attack(loaded('old'))).toBe(204);
    expect(await extension.attack(loaded('old'), {}, '127.0.0.2')).toBe(409);
  });

  it('accepts reports from another agent after the first was silent for long', () => {
    let at = 0;
    const claims = new Claims(() => at);
    const claim = (instance: string) => claims.reject({ task: 'a', address: '10.0.0.1', instance });

    expect(claim('one')).toBeUndefined();
    at += 100_000;
    expect(claim('two')).toBeDefined();
    at += 100_000;
    expect(claim('two')).toBeUndefined();
    expect(claim('one')).toBeDefined();
  });
});

describe("a task, once Swarm's tasks are known,", () => {
  const victim = { task: 'victim', addresses: ['127.0.0.1'] };
  const attacker = { task: 'attacker', addresses: ['127.0.0.2'] };
  const byInstance = (instance: string) => loaded('victim', { instance: instance.repeat(32) });

  /** Sent as the controller does: if the extension's state shows that it does not know. */
  async function introduce(...tasks: (typeof victim)[]) {
    const client = new LinkClient(authority, extension.port);
    const watching = new AbortController();
    const watch = client.watch(host, cluster, () => undefined, watching.signal);
    await eventually(async () => {
      expect(client.reports(host)).toBeDefined();
      await client.introduce(host, cluster, tasks, signal);
    });
    watching.abort();
    await watch;
  }

  it('accepts reports from its own address only', async () => {
    await introduce(victim, attacker);

    expect(await extension.attack(byInstance('a'), {}, '127.0.0.2')).toBe(409);
    expect(await extension.attack(byInstance('b'))).toBe(204);
    expect(await extension.attack(byInstance('a'), {}, '127.0.0.2')).toBe(409);
    expect(await extension.attack(loaded('unknown'), {}, '127.0.0.2')).toBe(409);
    expect(extension.offers.state.replicas.map(({ task }) => task)).toEqual(['victim']);
  });

  it('recovers its entry from another agent that was faster', async () => {
    expect(await extension.attack(byInstance('a'), {}, '127.0.0.2')).toBe(204);
    expect(await extension.attack(byInstance('b'))).toBe(409);

    await introduce(victim, attacker);

    expect(await extension.attack(byInstance('b'))).toBe(204);
    expect(await extension.attack(byInstance('a'), {}, '127.0.0.2')).toBe(409);
  });

  it('recovers its entry from an address that belongs to no task', async () => {
    await introduce(victim, attacker);

    expect(await extension.attack(byInstance('a'), {}, '127.0.0.3')).toBe(204);
    expect(await extension.attack(byInstance('b'))).toBe(204);
    expect(await extension.attack(byInstance('a'), {}, '127.0.0.3')).toBe(409);
  });

  it('accepts reports from an address that an ended task had before', async () => {
    await introduce(victim, { task: 'ended', addresses: ['127.0.0.1'] });

    expect(await extension.attack(byInstance('a'))).toBe(204);
  });
});

it('agents cannot set tasks', async () => {
  expect(await extension.attack('{"tasks":[]}', {}, '127.0.0.1', 'PUT', '/tasks')).toBe(404);
});

it('an address has a limited number of reports in progress, and the controller is answered meanwhile', async () => {
  const held = Array.from({ length: 150 }, () => extension.attack(JSON.stringify(report('a'))).catch(() => 0));
  const answered: number[] = [];
  for (const one of held) void one.then((status) => answered.push(status));
  await eventually(() => expect(answered.filter((status) => status === 429)).toHaveLength(150 - 96), {
    intervalMs: 50,
  });
  const client = new LinkClient(authority, extension.port);

  await client.offer(
    host,
    { cluster, boot, version, files: [{ path: 'nginx.conf', digest: version, text: '' }] },
    signal,
  );
  await eventually(() => expect(answered).toContain(200), { intervalMs: 50 });
});

it('a version whose content does not match its digests is rejected', async () => {
  const text = 'worker_processes 1; # @version@';
  const right = versionDigest(cluster, text, []);
  const version = (name: string, text: string) => ({
    boot,
    version: name,
    files: [{ path: 'nginx.conf', digest: name, text: text.replace('@version@', name) }],
  });
  extension.offers.offer(version(right, text));
  const agent = extension.agentClient();

  expect(await agent.next(report('a'), [], signal)).toMatchObject({ version: right });
  extension.offers.offer(version(boot.replace('0', '1'), text));
  await expect(agent.next(report('a'), [], signal)).rejects.toThrow(/does not match its digest/);
});

it('1,100 fake replicas do not hide a real one from the controller', async () => {
  const real = extension.agentClient();
  await real.next(report('real', { loaded: boot }), [], signal);
  const answers: number[] = [];
  for (let n = 0; n < 1100; n++) answers.push(await extension.attack(loaded(`fake${n}`)));
  await real.next(report('real', { loaded: boot }), [], signal);
  const client = new LinkClient(authority, extension.port);
  const watching = new AbortController();

  const watch = client.watch(host, cluster, () => undefined, watching.signal);
  await eventually(() => expect(client.reports(host)?.replicas.map(({ task }) => task)).toContain('real'));
  watching.abort();
  await watch;

  expect(answers.filter((status) => status === 204).length).toBeLessThan(40);
  expect(client.reports(host)?.replicas.length).toBeLessThan(40);
});

it("an agent's report is one line of printable text, about secrets that can exist", async () => {
  const message = `\u001b[31mred\n{"level":30,"msg":"forged"}\u202e${'x'.repeat(1900)}`;
  const secrets = [secretFacts('../../etc/passwd'), secretFacts('a\nb'), secretFacts('good')];

  expect(await extension.attack(loaded('a', { refused: { version, message }, secrets }))).toBe(204);

  const { replicas, secrets: known } = extension.offers.state;
  expect(replicas[0]!.refused!.message).toMatch(/^\[31mred \{"level":30,"msg":"forged"\} x+$/);
  expect(replicas[0]!.refused!.message.length).toBeLessThanOrEqual(2000);
  expect(known.map(({ name }) => name)).toEqual(['good']);
});
