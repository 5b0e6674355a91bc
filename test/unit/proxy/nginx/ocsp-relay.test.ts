import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { beforeAll, beforeEach, expect, it } from 'vitest';
import { createOcspRelay } from '../../../../src/proxy/nginx/ocsp-relay.ts';

/** The request that the responder received. */
let asked: string[];
let answer: { status: number; body: Buffer };
let responder: string;

async function listen(server: Server): Promise<string> {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

beforeAll(async () => {
  const server = createServer(({ url }, response) => {
    asked.push(url!);
    response.writeHead(answer.status).end(answer.body);
  });
  responder = await listen(server);
  return () => void server.close();
});
beforeEach(() => {
  asked = [];
  answer = { status: 200, body: Buffer.from([0x30, 0x03, 0xff]) };
});

async function openRelay(base = '/ocsp/') {
  const server = createOcspRelay(new Map([['site.crt', responder + base]]));
  const url = await listen(server);
  return {
    get: async (path: string, method = 'GET') => {
      const response = await fetch(url + path, { method });
      return { status: response.status, body: Buffer.from(await response.arrayBuffer()) };
    },
    [Symbol.asyncDispose]: async () => void server.close(),
  };
}

it.each(['/ocsp/', '/ocsp'])("passes on nginx's request and the answer, byte for byte: %s", async (base) => {
  await using relay = await openRelay(base);

  expect(await relay.get('/site.crt/MEkw%2Fa%3D')).toEqual({ status: 200, body: answer.body });
  expect(asked).toEqual(['/ocsp/MEkw%2Fa%3D']);
});

it('sends one request, however often nginx asks', async () => {
  await using relay = await openRelay();

  for (let times = 0; times < 3; times++) expect((await relay.get('/site.crt/MEkw')).status).toBe(200);

  expect(asked).toHaveLength(1);
});

it('sends the request again after a failure', async () => {
  await using relay = await openRelay();
  answer = { status: 500, body: Buffer.of() };
  expect((await relay.get('/site.crt/MEkw')).status).toBe(502);
  answer = { status: 200, body: Buffer.from('good') };

  expect((await relay.get('/site.crt/MEkw')).body.toString()).toBe('good');
});

it('does not pass on an answer that is too large', async () => {
  await using relay = await openRelay();
  answer = { status: 200, body: Buffer.alloc(100_000) };

  expect((await relay.get('/site.crt/MEkw')).status).toBe(502);
});

it.each([
  ['/other.crt/MEkw', 'GET'],
  ['/site.crt/', 'GET'],
  ['/site.crt/../MEkw', 'GET'],
  ['/site.crt/a?b', 'GET'],
  ['/site.crt/MEkw', 'POST'],
])('sends no other requests: %s %s', async (path, method) => {
  await using relay = await openRelay();

  expect((await relay.get(path, method)).status).toBe(404);
  expect(asked).toEqual([]);
});
