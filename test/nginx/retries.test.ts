// Label `retries`, in the real nginx: how often requests reach an application.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { aService } from '../support/builders.ts';
import type { NginxContainer } from '../support/nginx-container.ts';
import { get, oneDeadTask, startOddNginx, twoTasks } from '../support/odd-nginx.ts';
import { head, rawRequest } from '../support/raw-request.ts';

const services = [
  aService('plain', { port: twoTasks }),
  aService('statuses', { port: twoTasks, lb: { retries: '503, 429' } }),
  aService('rewritten', {
    port: twoTasks,
    lb: { retries: '503', context_root: '/app', context_root_rewrite: 'true' },
  }),
  aService('off', { port: twoTasks, lb: { retries: 'off' } }),
  aService('off-dead', { port: oneDeadTask, lb: { retries: 'off' } }),
  aService('dead', { port: oneDeadTask, lb: { retries: '503' } }),
  aService('limited', { port: twoTasks, lb: { retries: '503', rate_limit: '1r/m burst=1 key=host' } }),
];

let nginx: NginxContainer;
beforeAll(async () => {
  nginx = await startOddNginx(services);
});
afterAll(() => nginx[Symbol.asyncDispose]());

let keys = 0;

/** The status, and how many requests have reached the application. Both tasks are one program. */
async function send(name: string, method: string, target: string, body = '') {
  const host = `${name}.example.org`;
  const key = `key${keys++}`;
  const length = body === '' ? [] : [`Content-Length: ${body.length}`];
  const request = head(`${method} ${target} HTTP/1.1`, `Host: ${host}`, `X-Count: ${key}`, ...length) + body;
  const { status } = await rawRequest({ port: nginx.port }, request);
  const { count } = JSON.parse((await get(nginx, 'plain.example.org', `/count?key=${key}`)).body) as { count: number };
  return { status, count };
}

describe('a request', () => {
  it.each`
    name           | method      | target                 | status | count
    ${'plain'}     | ${'GET'}    | ${'/x?status=503'}     | ${503} | ${1}
    ${'plain'}     | ${'GET'}    | ${'/drop'}             | ${502} | ${2}
    ${'statuses'}  | ${'GET'}    | ${'/x?status=503'}     | ${503} | ${2}
    ${'statuses'}  | ${'GET'}    | ${'/x?status=429'}     | ${429} | ${2}
    ${'statuses'}  | ${'PUT'}    | ${'/x?status=503'}     | ${503} | ${2}
    ${'statuses'}  | ${'DELETE'} | ${'/x?status=503'}     | ${503} | ${2}
    ${'statuses'}  | ${'GET'}    | ${'/x?status=500'}     | ${500} | ${1}
    ${'statuses'}  | ${'GET'}    | ${'/drop'}             | ${502} | ${2}
    ${'statuses'}  | ${'POST'}   | ${'/x?status=503'}     | ${503} | ${1}
    ${'statuses'}  | ${'PATCH'}  | ${'/x?status=503'}     | ${503} | ${1}
    ${'statuses'}  | ${'POST'}   | ${'/drop'}             | ${502} | ${1}
    ${'rewritten'} | ${'GET'}    | ${'/app/x?status=503'} | ${503} | ${2}
    ${'rewritten'} | ${'POST'}   | ${'/app/x?status=503'} | ${503} | ${1}
    ${'off'}       | ${'GET'}    | ${'/drop'}             | ${502} | ${1}
    ${'off'}       | ${'PUT'}    | ${'/drop'}             | ${502} | ${1}
    ${'off'}       | ${'GET'}    | ${'/x?status=503'}     | ${503} | ${1}
    ${'dead'}      | ${'POST'}   | ${'/x?status=503'}     | ${503} | ${1}
    ${'dead'}      | ${'POST'}   | ${'/drop'}             | ${502} | ${1}
    ${'limited'}   | ${'GET'}    | ${'/x?status=503'}     | ${503} | ${2}
    ${'limited'}   | ${'GET'}    | ${'/x?status=503'}     | ${503} | ${2}
  `('$method $target to $name reaches tasks $count times', async ({ name, method, target, status, count }) => {
    expect(await send(name, method, target)).toEqual({ status, count });
  });

  it.each([
    ['GET', ''],
    ['POST', ''],
    ['POST', 'x'.repeat(2000)],
  ])('that no task received is repeated even if retries are off: %s', async (method, body) => {
    for (let n = 0; n < 6; n++)
      expect(await send('off-dead', method, '/x', body), `request ${n}`).toEqual({ status: 200, count: 1 });
  });

  it.each(['PUT', 'POST'])('with a body that is streamed reaches one task: %s', async (method) => {
    expect(await send('statuses', method, '/x?status=503', 'x'.repeat(100_000))).toEqual({ status: 503, count: 1 });
  });

  it('with a small body is repeated with its body', async () => {
    expect(await send('statuses', 'PUT', '/x?status=503', 'x'.repeat(2000))).toEqual({ status: 503, count: 2 });
  });
});
