// Label `error_pages`, in the real nginx: the task on port 9002 has the pages for errors of the application.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { aService } from '../support/builders.ts';
import type { NginxContainer } from '../support/nginx-container.ts';
import { deadOnly, get, oneDeadTask, otherTask, startOddNginx, toArrived } from '../support/odd-nginx.ts';
import { head, type RawAnswer, rawRequest, valuesOf } from '../support/raw-request.ts';

const error_pages = `pages:${otherTask}`;
const pages = { error_pages, error_page_statuses: '5xx' };
const users =
  'alice:$6$abcdefgh$hVZUAvGBnPhWEmmwLcdDyCMx2yTlQ9pDvn2kZFKpMQAYmJdPRkkJSOfBK7xzZt1aiGFpsJWZ6PuUqM6sGdNzw1';
const idle = { mode: { kind: 'replicated', replicas: 0 } } as const;
const services = [
  { ...aService('pages'), labels: {} },
  aService('shop', { lb: pages }),
  aService('few', { lb: { error_pages } }),
  aService('lost', { lb: { error_pages, error_page_statuses: '404, 401' } }),
  aService('below', { lb: { ...pages, context_root: '/app', context_root_rewrite: 'true', backend_path: '/v2' } }),
  aService('rich', {
    lb: {
      ...{
        ...pages,
        compress: 'gzip',
        sticky_session_cookie: 'sid',
        'response_header.X-Own': '1',
        'request_header.X-Tenant': 'a',
      },
      ...{ cors: 'https://a.test', max_body_size: '1k', security_headers: 'true', mirror: `pages:${otherTask}` },
    },
  }),
  aService('guarded', { lb: { ...pages, error_page_statuses: '4xx, 5xx', basic_auth: 'users', deny: '192.0.2.1' } }),
  aService('asked', {
    lb: { ...pages, forward_auth: 'http://checker:9091/verify', forward_auth_headers: 'Remote-User' },
  }),
  { ...aService('checker', { port: '9091' }), labels: {} },
  aService('checked', { port: '9091' }),
  aService('limited', { lb: { ...pages, rate_limit: '1r/m burst=1 key=host' } }),
  aService('dead', { port: deadOnly, lb: { error_pages } }),
  aService('half', { port: oneDeadTask, lb: { error_pages } }),
  aService('helped', { port: deadOnly, lb: { ...pages, fallback: `pages:${otherTask}` } }),
  aService('gone', { ...idle, lb: pages }),
  aService('pageless', { lb: { ...pages, error_pages: `pages:${deadOnly}` } }),
  aService('nobody', { lb: { ...pages, error_pages: 'absent' } }),
  aService('canary', { host: 'shop.example.org', createdAt: '1', lb: { ...pages, match: 'header:X-Canary' } }),
];

let nginx: NginxContainer;
beforeAll(async () => {
  nginx = await startOddNginx(services, { secrets: { users }, settings: { PublishMode: 'host' } });
});
afterAll(() => nginx[Symbol.asyncDispose]());

const ask = (host: string, target: string, options: Parameters<typeof get>[3] = {}) =>
  get(nginx, `${host}.example.org`, target, options);

/** The request that reached the service with the pages, from its answer. */
function paged({ body }: RawAnswer) {
  const request = toArrived(JSON.parse(body));
  expect(request, body).toMatchObject({ port: 9002, method: 'GET', length: 0 });
  return request;
}

/** The same of the application. */
function own({ body }: RawAnswer) {
  const request = toArrived(JSON.parse(body));
  expect(request.port, body).toBe(9001);
  return request;
}

describe('an error of the application', () => {
  it.each`
    host       | target                 | status
    ${'shop'}  | ${'/x?status=500'}     | ${500}
    ${'shop'}  | ${'/x?status=502'}     | ${502}
    ${'shop'}  | ${'/x?status=503'}     | ${503}
    ${'shop'}  | ${'/x?status=504'}     | ${504}
    ${'shop'}  | ${'/x?status=599'}     | ${599}
    ${'few'}   | ${'/x?status=503'}     | ${503}
    ${'few'}   | ${'/x?status=502'}     | ${502}
    ${'lost'}  | ${'/x?status=404'}     | ${404}
    ${'lost'}  | ${'/x?status=401'}     | ${401}
    ${'below'} | ${'/app/x?status=500'} | ${500}
    ${'rich'}  | ${'/x?status=500'}     | ${500}
    ${'half'}  | ${'/x?status=503'}     | ${503}
  `('has the page of its status: $status of $host', async ({ host, target, status }) => {
    const answer = await ask(host, `${target}&header=X-Secret&value=1`, {
      headers: ['Cookie: a=1', 'Authorization: Basic x', 'If-None-Match: "a"', 'Range: bytes=0-1'],
    });

    expect(answer.status).toBe(status);
    const request = paged(answer);
    expect(request.url).toBe(`/${status}.html`);
    expect(request.header('x-forwarded-host')).toBe(`${host}.example.org`);
    for (const name of ['cookie', 'authorization', 'if-none-match', 'range', 'content-length'])
      expect(request.header(name), name).toBeUndefined();
    expect(valuesOf(answer.headers, 'x-secret')).toEqual([]);
  });

  it.each`
    host        | target                 | status
    ${'shop'}   | ${'/x?status=404'}     | ${404}
    ${'shop'}   | ${'/x?status=418'}     | ${418}
    ${'shop'}   | ${'/x?status=400'}     | ${400}
    ${'shop'}   | ${'/x?status=403'}     | ${403}
    ${'shop'}   | ${'/x?status=302'}     | ${302}
    ${'shop'}   | ${'/x?status=200'}     | ${200}
    ${'few'}    | ${'/x?status=500'}     | ${500}
    ${'lost'}   | ${'/x?status=403'}     | ${403}
    ${'below'}  | ${'/app/x?status=404'} | ${404}
    ${'rich'}   | ${'/x?status=404'}     | ${404}
    ${'nobody'} | ${'/x?status=503'}     | ${503}
  `('passes unchanged if its status is not listed: $status of $host', async ({ host, target, status }) => {
    const answer = await ask(host, target);

    expect(answer.status).toBe(status);
    expect(own(answer).url).toBe(target.replace('/app', '/v2'));
  });

  it.each([10, 20_000, 200_000])('has its page after a body of %s bytes', async (size) => {
    const lines = head('POST /x?status=500 HTTP/1.1', 'Host: shop.example.org', `Content-Length: ${size}`);

    const answer = await rawRequest({ port: nginx.port }, lines + 'x'.repeat(size));

    expect(answer.status).toBe(500);
    expect(paged(answer).url).toBe('/500.html');
  });

  it('has its page with a chunked body', async () => {
    const lines = head('POST /x?status=500 HTTP/1.1', 'Host: shop.example.org', 'Transfer-Encoding: chunked');

    expect(paged(await rawRequest({ port: nginx.port }, `${lines}3\r\nabc\r\n0\r\n\r\n`)).url).toBe('/500.html');
  });

  it('has its page for HEAD', async () => {
    expect(await ask('shop', '/x?status=500', { method: 'HEAD' })).toMatchObject({ status: 500, body: '' });
  });

  it('has its page for the service that conditions choose', async () => {
    const answer = await ask('shop', '/x?status=500', { headers: ['X-Canary: 1'] });

    expect(answer.status).toBe(500);
    expect(paged(answer).url).toBe('/500.html');
  });
});

describe('a request', () => {
  it.each([
    ['GET', 0],
    ['POST', 10],
    ['POST', 200_000],
  ])('reaches the application as without error pages: %s with %s bytes', async (method, size) => {
    const lines = head(`${method} /app/x?a=b HTTP/1.1`, 'Host: below.example.org', `Content-Length: ${size}`);

    const answer = await rawRequest({ port: nginx.port }, lines + 'x'.repeat(size));

    expect(answer.status).toBe(200);
    expect(own(answer)).toMatchObject({ method, url: '/v2/x?a=b', length: size });
  });

  it('keeps the other options of the location', async () => {
    const headers = ['Cookie: sid=1', 'Accept-Encoding: gzip', 'Origin: https://a.test'];
    const answer = await ask('rich', '/x', { headers: headers.slice(0, 1).concat(headers.slice(2)) });
    const preflight = await ask('rich', '/x', {
      method: 'OPTIONS',
      headers: ['Origin: https://a.test', 'Access-Control-Request-Method: GET'],
    });
    const large = await rawRequest(
      { port: nginx.port },
      `${head('POST /x HTTP/1.1', 'Host: rich.example.org', 'Content-Length: 2000')}${'x'.repeat(2000)}`,
    );

    expect(own(answer).header('x-tenant')).toBe('a');
    expect(valuesOf(answer.headers, 'x-own')).toEqual(['1']);
    expect(valuesOf(answer.headers, 'access-control-allow-origin')).toEqual(['https://a.test']);
    expect(preflight.status).toBe(204);
    expect(valuesOf(preflight.headers, 'access-control-allow-origin')).toEqual(['https://a.test']);
    expect(large.status).toBe(413);
    expect(large.body).toContain('<!doctype html>');
  });

  it('is rejected by the proxies with their own page', async () => {
    const answer = await ask('guarded', '/x');

    expect(answer.status).toBe(401);
    expect(valuesOf(answer.headers, 'www-authenticate')).toHaveLength(1);
    expect(answer.body).toContain('<!doctype html>');
  });

  it('asks its authenticator once', async () => {
    const seen = async () => Number((await ask('checked', '/seen')).body);
    const before = await seen();
    const good = await ask('asked', '/x', { headers: ['Cookie: session=alice', 'Remote-User: mallory'] });
    const bad = await ask('asked', '/x?status=500', { headers: ['Cookie: session=alice'] });
    const nobody = await ask('asked', '/x');

    expect(own(good).header('remote-user')).toBe('alice');
    expect(valuesOf(good.headers, 'set-cookie').join()).toContain('session=alice');
    expect(paged(bad).url).toBe('/500.html');
    expect(paged(bad).header('remote-user')).toBeUndefined();
    expect(nobody.status).toBe(401);
    expect(nobody.body).toContain('<!doctype html>');
    expect(await seen()).toBe(before + 3);
  });

  it('is limited once', async () => {
    const statuses = [];
    for (let n = 0; n < 3; n++) statuses.push((await ask('limited', '/x?status=500')).status);

    expect(statuses).toEqual([500, 500, 429]);
  });
});

describe('no task that answers', () => {
  it.each(['dead', 'half'])('has the page for 502, unless another task answers: %s', async (host) => {
    const answer = await ask(host, '/x');

    expect(answer.status).toBe(host === 'dead' ? 502 : 200);
    if (host === 'dead') expect(paged(answer).url).toBe('/502.html');
    else own(answer);
  });

  it('leads to the fallback', async () => {
    const answer = await ask('helped', '/x');

    expect(answer.status).toBe(200);
    expect(paged(answer).url).toBe('/x');
  });

  it('has the built-in page if there are no tasks', async () => {
    const answer = await ask('gone', '/x');

    expect(answer.status).toBe(503);
    expect(answer.body).toContain('No service answers here');
  });
});

it('the built-in page for 502 replaces a page that cannot be fetched', async () => {
  const answer = await ask('pageless', '/x?status=500');

  expect(answer.status).toBe(502);
  expect(answer.body).toContain('<!doctype html>');
});

it('no client can ask for the pages directly', async () => {
  const text = await nginx.read('/tmp/nginx.conf');
  const [location] = /\/\.signalbox-page-[0-9a-f]{16}/.exec(text)!;

  expect((await ask('shop', location)).status).toBe(404);
});
