// An Engine that hangs, breaks off or sends invalid data. No answer may look like a smaller swarm, and no call may take
// forever.
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { connectDocker } from '../../../../src/controller/docker/connect.ts';
import { watchEvents } from '../../../../src/controller/docker/events.ts';
import { Observer } from '../../../../src/controller/docker/observer.ts';
import { DockerSwarm } from '../../../../src/controller/docker/swarm.ts';
import { eventually, throughout } from '../../../support/eventually.ts';
import { engineNetwork, engineObject, engineService } from '../../../support/fake-docker.ts';

const TIMEOUT_MS = 400;
const routed = { 'com.docker.lb.hosts': 'shop.example.org', 'com.docker.lb.port': '8080' };

type Respond = (response: ServerResponse) => void;

/** Answers in the Engine's format, unless a fault is set for a path. */
class FaultyEngine {
  readonly services = ['shop', 'blog', 'wiki'].map((name) => engineService(name, routed));
  readonly faults = new Map<string, Respond>();
  /** Open responses to `GET /events`. */
  readonly events = new Set<ServerResponse>();
  readonly #server = createServer((request, response) => this.#answer(request.url!.split('?')[0]!, response));

  async start() {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    const { port } = this.#server.address() as AddressInfo;
    const url = `tcp://127.0.0.1:${port}`;
    const tls = { TLSCACert: '', TLSCert: '', TLSKey: '', AllowInsecure: false };
    return connectDocker({ DockerURL: url, ...tls }, TIMEOUT_MS);
  }

  stop(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #answer(path: string, response: ServerResponse): void {
    const fault = this.faults.get(path);
    if (fault) fault(response);
    else if (path === '/events') this.#openStream(response);
    else this.#answerWith(path, this.#find(path), response);
  }

  #openStream(response: ServerResponse): void {
    this.events.add(response);
    response.on('close', () => this.events.delete(response));
    response.writeHead(200).flushHeaders();
  }

  #answerWith(path: string, answer: unknown, response: ServerResponse): void {
    json(response, answer === undefined ? 404 : 200, answer ?? { message: `${path} not found` });
  }

  #find(path: string): unknown {
    const lists: Readonly<Record<string, readonly object[]>> = {
      '/services': this.services,
      '/networks': [engineNetwork('app')],
      '/nodes': [engineObject('node')],
      '/configs': [],
      '/secrets': [],
    };
    const [, kind = '', id] = path.split('/');
    const list = lists[`/${kind}`];
    return id === undefined ? list : list?.find((item) => 'ID' in item && item.ID === id);
  }
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

const hangs: Respond = () => undefined;
const truncates: Respond = (response) => {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': '5000' }).write('[{"ID":"shop"');
  setTimeout(() => response.destroy(), 50);
};
const stalls: Respond = (response) => void response.writeHead(200, { 'content-length': '5000' }).write('[');
const endsEarly: Respond = (response) => void response.writeHead(200).end('[{"ID":"shop"');
const saysNothing: Respond = (response) => void response.writeHead(200).end();
const fails: Respond = (response) => json(response, 500, { message: 'rpc error: code = Unavailable' });
const isSlow: Respond = (response) => void setTimeout(() => json(response, 200, []), 2 * TIMEOUT_MS);
const isNoList: Respond = (response) => json(response, 200, { message: 'hello' });
const isStrange: Respond = (response) => json(response, 200, [{ ID: 'shop' }]);

let engine: FaultyEngine;
let docker: Awaited<ReturnType<FaultyEngine['start']>>;
beforeEach(async () => {
  engine = new FaultyEngine();
  docker = await engine.start();
});
afterEach(() => engine.stop());

const namesOf = async (observer: Observer) => (await observer.observe()).services.map(({ name }) => name).toSorted();
const all = ['blog', 'shop', 'wiki'];

describe.each(['/services', '/networks', '/nodes', '/configs', '/secrets'])('GET %s', (path) => {
  it.each([
    ['hangs', hangs],
    ['is cut off', truncates],
    ['stops halfway', stalls],
    ['ends early', endsEarly],
    ['sends nothing', saysNothing],
    ['answers 500', fails],
    ['is too slow', isSlow],
    ['is not a list', isNoList],
    ['lists invalid objects', isStrange],
  ])('that %s is an error, and the next observation is complete', async (_, fault) => {
    const observer = new Observer(docker);
    engine.faults.set(path, fault);

    await expect(observer.observe()).rejects.toThrow();
    engine.faults.clear();

    expect(await namesOf(observer)).toEqual(all);
  });
});

it('an object missing from a list is gone only if it is not found by name', async () => {
  const observer = new Observer(docker);
  expect(await namesOf(observer)).toEqual(all);
  engine.faults.set('/services', (response) => json(response, 200, engine.services.slice(0, 1)));
  observer.forget();
  expect(await namesOf(observer)).toEqual(all);

  engine.faults.clear();
  engine.services.splice(0, 1);
  observer.forget();
  expect(await namesOf(observer)).toEqual(['blog', 'wiki']);
});

it.each([
  ['hangs', hangs],
  ['is cut off', truncates],
  ['sends nothing', saysNothing],
])('creating a config whose answer %s is an error', async (_, fault) => {
  engine.faults.set('/configs/create', fault);
  const swarm = new DockerSwarm(docker, new Observer(docker));

  await expect(swarm.createConfig({ name: 'a', labels: {}, data: '' })).rejects.toThrow();
});

it('a truncated list of tasks is not an empty list', async () => {
  engine.faults.set('/tasks', endsEarly);

  await expect(new DockerSwarm(docker, new Observer(docker)).tasks('shop')).rejects.toThrow();
});

it('a quiet event stream stays open, and a broken one is opened again', async () => {
  const stop = new AbortController();
  let gaps = 0;
  const onGap = () => {
    gaps += 1;
  };
  const watching = watchEvents(docker, { onEvent: () => undefined, onGap }, pino({ level: 'silent' }), stop.signal);
  await eventually(() => expect(gaps).toBe(1));
  const [first] = engine.events;

  // Longer than the time-out of any other call.
  await throughout(3 * TIMEOUT_MS, () => expect([...engine.events]).toEqual([first]));

  engine.faults.set('/events', hangs);
  first!.destroy();
  await eventually(() => expect(engine.events.size).toBe(0));
  engine.faults.clear();
  await eventually(() => expect(gaps).toBe(2));
  stop.abort();
  await watching;
});
