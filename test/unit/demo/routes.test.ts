import { createHash } from 'node:crypto';
import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { expect, it } from 'vitest';
import { about, startDemo } from './support.ts';

const sha256 = (content: string) => createHash('sha256').update(content).digest('hex');

/** Like fetch, but the target is sent unchanged. */
async function send(port: number, path: string, method = 'GET', body = ''): Promise<Record<string, unknown>> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const outgoing = request({ port, path, method, agent: false }, (response) => text(response).then(resolve, reject));
  outgoing.on('error', reject);
  outgoing.end(body);
  return JSON.parse(await promise);
}

it('reports at /ping which task answers, with the request id', async () => {
  await using demo = await startDemo();

  const response = await fetch(`${demo.url}/ping`, { headers: { 'x-request-id': 'abc' } });

  expect(await response.json()).toEqual({ ...about, request_id: 'abc' });
  expect(response.headers.get('set-cookie')).toMatch(/^session=[0-9a-f]{24}; Path=\/$/);
});

it('sets no cookie if the client has one', async () => {
  await using demo = await startDemo();

  const response = await fetch(`${demo.url}/ping`, { headers: { cookie: 'a=b; session=mine' } });

  expect(response.headers.get('set-cookie')).toBeNull();
});

it('shows a page in which received values are never markup', async () => {
  await using demo = await startDemo();

  const page = await (await fetch(demo.url, { headers: { 'x-note': '<script>' } })).text();

  expect(page).toContain('&#60;script&#62;');
  expect(page).not.toContain('<script>');
  expect(page).not.toContain('<b>');
});

it('echoes the target and the body unchanged', async () => {
  await using demo = await startDemo();
  const body = 'é'.repeat(50_000);

  const echo = await send(demo.port, '/app//echo/a%2Fb/../c?x=%20&x', 'PUT', body);

  expect(echo).toMatchObject({ method: 'PUT', url: '/app//echo/a%2Fb/../c?x=%20&x', httpVersion: '1.1' });
  expect(echo).toMatchObject({ remoteAddress: '127.0.0.1', length: 100_000, sha256: sha256(body) });
  expect(echo.body).toBe('é'.repeat(32 * 1024));
  expect(echo.rawHeaders).toContain('Host');
  expect(echo).not.toHaveProperty('tls');
});

it('reads an upload to its end', async () => {
  await using demo = await startDemo();
  const body = 'x'.repeat(1_000_000);

  const answer = await (await fetch(`${demo.url}/upload`, { method: 'POST', body })).json();

  expect(answer).toEqual({ length: 1_000_000, sha256: sha256(body) });
});

it.each`
  path                           | status
  ${'/status/418'}               | ${418}
  ${'/status/204'}               | ${204}
  ${'/status/304'}               | ${304}
  ${'/status/503'}               | ${503}
  ${'/status/101'}               | ${400}
  ${'/status/none'}              | ${400}
  ${'/bytes'}                    | ${400}
  ${'/events?interval=0'}        | ${400}
  ${'/slow?ms=0'}                | ${200}
  ${'/ws'}                       | ${426}
  ${'/redirect?to=%0d%0aa:%20b'} | ${400}
  ${'/constructor'}              | ${404}
`('answers $path with $status', async ({ path, status }) => {
  await using demo = await startDemo();

  expect((await fetch(demo.url + path)).status).toBe(status);
});

it.each`
  path                            | size
  ${'/bytes/0'}                   | ${0}
  ${'/bytes/1'}                   | ${1}
  ${'/bytes/1000000'}             | ${1_000_000}
  ${'/stream?bytes=300001&ms=60'} | ${300_001}
  ${'/stream?bytes=0&ms=1'}       | ${0}
`('sends exactly the bytes of $path', async ({ path, size }) => {
  await using demo = await startDemo();

  const response = await fetch(demo.url + path);

  expect(response.headers.get('content-length')).toBe(String(size));
  expect((await response.arrayBuffer()).byteLength).toBe(size);
});

it('redirects to the requested target', async () => {
  await using demo = await startDemo();

  const response = await fetch(`${demo.url}/redirect?to=http://new.local/%3Fa`, { redirect: 'manual' });

  expect(response.status).toBe(302);
  expect(response.headers.get('location')).toBe('http://new.local/?a');
});

it('has the health that was set', async () => {
  await using demo = await startDemo();
  const health = async () => (await fetch(`${demo.url}/health`)).status;

  const before = await health();
  await fetch(`${demo.url}/health?healthy=false`, { method: 'POST' });
  const sick = await health();
  await fetch(`${demo.url}/health?healthy=true`, { method: 'POST' });

  expect([before, sick, await health()]).toEqual([200, 503, 200]);
});

it('sends events until the client disconnects', async () => {
  await using demo = await startDemo();
  const response = await fetch(`${demo.url}/events?interval=1`);
  let seen = '';

  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
    seen += chunk;
    if (seen.includes('"n":3}\n\n')) break;
  }

  expect(seen).toMatch(/^data: \{"instance":"one","n":1\}\n\ndata: \{"instance":"one","n":2\}\n\n/);
});
