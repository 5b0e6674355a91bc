// Label `weight`, in the real nginx: shares of the requests, whatever the number of tasks.
import { Agent, get as httpGet } from 'node:http';
import { json } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { aService } from '../support/builders.ts';
import type { NginxContainer } from '../support/nginx-container.ts';
import { arrived, get, startOddNginx, twoTasks } from '../support/odd-nginx.ts';
import { valuesOf } from '../support/raw-request.ts';

const of = (host: string, age: string, lb: Readonly<Record<string, string>>, port = '8080') => {
  const name = `${host}-${age}`;
  return aService(name, {
    host: `${host}.test`,
    createdAt: age,
    port,
    lb: { 'request_header.X-Service': name, ...lb },
  });
};
const none = { kind: 'replicated', replicas: 0 } as const;
const services = [
  of('split', 'a', { weight: '90' }),
  of('split', 'b', { weight: '10' }, twoTasks),
  of('split', 'c', { weight: '0' }),
  { ...of('split', 'd', { weight: '1000' }), mode: none },
  of('split', 'e', { weight: '1000', maintenance: 'true' }),
  of('kept', 'a', { weight: '1', sticky_session_cookie: 'app', sticky_cookie_age: '2h' }, twoTasks),
  of('kept', 'b', { weight: '1', sticky_cookie_secure: 'true' }, twoTasks),
  of('kept', 'c', { weight: '0' }),
  of('zero', 'a', { weight: '0' }),
  of('zero', 'b', { weight: '0' }),
  of('closed', 'a', { weight: '1', maintenance: 'true' }),
  of('closed', 'b', { weight: '0' }),
  of('address', 'a', { weight: '1', ip_hash: 'true' }),
  of('address', 'b', { weight: '1', ip_hash: 'true' }),
  of('mixed', 'a', { weight: '1', match: 'header:X-Canary' }),
  of('mixed', 'b', { weight: '3', match: 'header:X-Canary' }),
  of('mixed', 'c', {}),
  of('own', 'a', { weight: '1', 'response_header.X-A': '1' }),
  of('own', 'b', { weight: '1', max_body_size: '1k', ssl_only: 'true' }),
  of('some', 'a', { weight: '1' }),
  of('some', 'b', {}),
];

let nginx: NginxContainer;
const agent = new Agent({ keepAlive: true, maxSockets: 20 });
beforeAll(async () => {
  nginx = await startOddNginx(services);
});
afterAll(async () => {
  agent.destroy();
  await nginx[Symbol.asyncDispose]();
});

/** The service that receives a request, over a kept connection. */
function receiver(host: string, headers: Readonly<Record<string, string>>): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  httpGet({ port: nginx.port, agent, headers: { host, ...headers } }, (response) => {
    json(response).then((report) => {
      const { rawHeaders } = report as { readonly rawHeaders: readonly string[] };
      resolve(rawHeaders[rawHeaders.findIndex((name) => name.toLowerCase() === 'x-service') + 1]!);
    }, reject);
  }).on('error', reject);
  return promise;
}

async function shares(host: string, count: number, headers: Readonly<Record<string, string>> = {}) {
  const all = await Promise.all(Array.from({ length: count }, () => receiver(host, headers)));
  const byService = Map.groupBy(all, (service) => service);
  return Object.fromEntries([...byService].map(([service, own]) => [service, own.length / count]));
}

describe('weights', () => {
  it('decide about the share of a service, not the number of its tasks', async () => {
    const found = await shares('split.test', 10_000);

    expect(Object.keys(found).toSorted()).toEqual(['split-a', 'split-b']);
    // Four standard deviations.
    expect(Math.abs(found['split-b']! - 0.1)).toBeLessThan(0.012);
  }, 60_000);

  it('decide among services with the same conditions', async () => {
    const found = await shares('mixed.test', 2000, { 'x-canary': '1' });

    expect(Object.keys(found).toSorted()).toEqual(['mixed-a', 'mixed-b']);
    expect(Math.abs(found['mixed-a']! - 0.25)).toBeLessThan(0.04);
    expect(await shares('mixed.test', 20)).toEqual({ 'mixed-c': 1 });
  });

  it('have no effect if a service has none', async () => {
    expect(await shares('some.test', 20)).toEqual({ 'some-a': 1 });
  });

  it('of a client decide by its address with ip_hash', async () => {
    expect(Object.values(await shares('address.test', 50))).toEqual([1]);
  });

  it.each(['zero.test', 'closed.test'])('that leave nobody are answered with 503: %s', async (host) => {
    const answer = await get(nginx, host);

    expect([answer.status, valuesOf(answer.headers, 'retry-after').length]).toEqual([503, 1]);
    expect(answer.body).toMatch(/<!doctype html>/i);
  });
});

it('each request has the labels of its own service', async () => {
  const answers = await Promise.all(Array.from({ length: 40 }, () => get(nginx, 'own.test')));

  const kinds = new Set(answers.map(({ status, headers }) => `${status} ${valuesOf(headers, 'x-a').join()}`));
  expect([...kinds].toSorted()).toEqual(['200 1', '301 ']);
});

describe('with sticky sessions', () => {
  const cookieOf = (answer: Awaited<ReturnType<typeof get>>) =>
    valuesOf(answer.headers, 'set-cookie').find((cookie) => cookie.startsWith('service_'));

  it('a client stays at the service that it reached first', async () => {
    const seen = new Map<string, string>();
    while (seen.size < 2) {
      const answer = await get(nginx, 'kept.test');
      seen.set(arrived(answer).header('x-service') as string, cookieOf(answer)!);
    }
    expect(
      [...seen].toSorted().map(([, cookie]) => cookie.replace(/^service_[0-9a-f]{16}=[0-9a-f]{16}; /, '')),
    ).toEqual(['Path=/; HttpOnly; SameSite=lax; Max-Age=7200', 'Path=/; HttpOnly; SameSite=lax']);
    for (const [service, cookie] of seen) {
      const headers = { cookie: cookie.split(';')[0]! };
      expect(await shares('kept.test', 30, headers)).toEqual({ [service]: 1 });
      expect(cookieOf(await get(nginx, 'kept.test', '/', { headers: [`Cookie: ${headers.cookie}`] }))).toBeUndefined();
    }
  });

  it('a client with a cookie of a service without a share reaches another one', async () => {
    const [name] = cookieOf(await get(nginx, 'kept.test'))!.split('=');
    const found = await shares('kept.test', 200, { cookie: `${name}=0000000000000000` });

    expect(Object.keys(found).toSorted()).toEqual(['kept-a', 'kept-b']);
  });
});
