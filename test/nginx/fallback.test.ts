// Label `fallback`, in the real nginx: another service answers requests that no task receives. It is the task on port 9002.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { aService } from '../support/builders.ts';
import type { NginxContainer } from '../support/nginx-container.ts';
import { arrived, deadOnly, get, oneDeadTask, otherTask, startOddNginx } from '../support/odd-nginx.ts';
import { head, rawRequest, valuesOf } from '../support/raw-request.ts';

const idle = { mode: { kind: 'replicated', replicas: 0 } } as const;
const fallback = `waker:${otherTask}`;
const stripping = { fallback, context_root: '/app', context_root_rewrite: 'true' };
const users =
  'alice:$6$abcdefgh$hVZUAvGBnPhWEmmwLcdDyCMx2yTlQ9pDvn2kZFKpMQAYmJdPRkkJSOfBK7xzZt1aiGFpsJWZ6PuUqM6sGdNzw1';
const services = [
  { ...aService('waker'), labels: {} },
  aService('up', { lb: { fallback } }),
  aService('asleep', { ...idle, lb: { ...stripping, ssl_backend: 'true', upstream_host: 'inside.test' } }),
  aService('dead', { port: deadOnly, lb: { fallback } }),
  aService('dead-below', { port: deadOnly, lb: { ...stripping, 'response_header.X-Own': '1', max_fails: '3' } }),
  aService('dead-both', { port: deadOnly, lb: { fallback: `waker:${deadOnly}` } }),
  aService('half', { port: oneDeadTask, lb: { fallback } }),
  aService('guarded', { ...idle, lb: { fallback, basic_auth: 'users' } }),
  aService('guarded-dead', { port: deadOnly, lb: { fallback, basic_auth: 'users' } }),
  aService('closed', { ...idle, lb: { fallback, basic_auth: 'nowhere' } }),
  aService('limited', { port: deadOnly, lb: { fallback, rate_limit: '1r/m burst=0 key=host' } }),
  aService('shut', { ...idle, lb: { fallback, maintenance: 'true' } }),
  aService('unknown', { ...idle, lb: { fallback: 'nobody:80' } }),
  aService('canary', { host: 'up.example.org', createdAt: '1', ...idle, lb: { fallback, match: 'header:X-Canary' } }),
];

let nginx: NginxContainer;
beforeAll(async () => {
  nginx = await startOddNginx(services, { secrets: { users } });
});
afterAll(() => nginx[Symbol.asyncDispose]());

describe('the fallback', () => {
  it.each`
    host            | target              | headers            | port
    ${'up'}         | ${'/x?status=200'}  | ${[]}              | ${9001}
    ${'half'}       | ${'/x'}             | ${[]}              | ${9001}
    ${'up'}         | ${'/x'}             | ${['X-Canary: 1']} | ${9002}
    ${'asleep'}     | ${'/app/x%2Fy?q=1'} | ${[]}              | ${9002}
    ${'asleep'}     | ${'/app'}           | ${[]}              | ${9002}
    ${'dead'}       | ${'/x%2Fy?q=1'}     | ${[]}              | ${9002}
    ${'dead-below'} | ${'/app/x%2Fy?q=1'} | ${[]}              | ${9002}
  `('answers $target of $host if no task does', async ({ host, target, headers, port }) => {
    for (let n = 0; n < 4; n++) {
      const received = arrived(await get(nginx, `${host}.example.org`, target, { headers }));

      expect(received).toMatchObject({ port, url: target });
      expect(received.header('x-forwarded-host')).toMatch(new RegExp(`^${host}\\.example\\.org`));
      expect(received.header('x-forwarded-prefix')).toBeUndefined();
    }
  });

  it('receives the body', async () => {
    for (const host of ['asleep', 'dead', 'dead-below']) {
      const target = host === 'dead' ? '/x' : '/app/x';
      const answer = await nginx.ask({
        ...{ host: `${host}.example.org`, path: target, method: 'POST', body: 'x'.repeat(2000) },
        headers: { 'content-length': '2000' },
      });

      expect(arrived(answer), host).toMatchObject({ port: 9002, method: 'POST', length: 2000 });
    }
  });

  it('receives a body of any size if there are no tasks', async () => {
    const body = 'x'.repeat(1_000_000);
    const request = head('POST /app/x HTTP/1.1', 'Host: asleep.example.org', `Content-Length: ${body.length}`) + body;

    expect(arrived(await rawRequest({ port: nginx.port }, request))).toMatchObject({ port: 9002, length: 1_000_000 });
  });

  it('does not receive a body that is streamed', async () => {
    const body = 'x'.repeat(1_000_000);
    const request = head('POST /x HTTP/1.1', 'Host: dead.example.org', `Content-Length: ${body.length}`) + body;

    const answer = await rawRequest({ port: nginx.port }, request);
    expect(answer.status).toBe(502);
    expect(answer.body).toMatch(/<!doctype html>/i);
  });

  it.each([500, 502, 503, 504])('leaves the answer %i of the application alone', async (status) => {
    const answer = await get(nginx, 'up.example.org', `/x?status=${status}`);

    expect(answer.status).toBe(status);
    expect(JSON.parse(answer.body)).toMatchObject({ port: 9001 });
  });

  it.each(['GET', 'POST'])('does not answer a request that the application received: %s', async (method) => {
    expect((await get(nginx, 'up.example.org', '/drop', { method })).status).toBe(502);
  });

  it.each([
    ['guarded', 401],
    ['guarded-dead', 401],
    ['closed', 503],
    ['shut', 503],
    ['unknown', 503],
    ['dead-both', 502],
  ])('does not answer without the protection of the service: %s', async (host, status) => {
    const answer = await get(nginx, `${host}.example.org`, '/x');

    expect(answer.status).toBe(status);
    expect(answer.body).toMatch(/<!doctype html>/i);
  });

  it('counts as one request for limits', async () => {
    const first = await get(nginx, 'limited.example.org', '/x');
    const second = await get(nginx, 'limited.example.org', '/x');

    expect([first.status, second.status]).toEqual([200, 429]);
  });

  it('has the response headers of the service', async () => {
    const answer = await get(nginx, 'dead-below.example.org', '/app/x');

    expect(valuesOf(answer.headers, 'x-own')).toEqual(['1']);
  });
});
