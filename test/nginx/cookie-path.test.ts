// Label `cookie_path`, in the real nginx: the paths of a service's cookies.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { aService } from '../support/builders.ts';
import { makeSite } from '../support/material.ts';
import type { NginxContainer } from '../support/nginx-container.ts';
import { get, oneDeadTask, onePort, startOddNginx } from '../support/odd-nginx.ts';
import { Http2Client, head, rawRequest, valuesOf } from '../support/raw-request.ts';

const stripped = { cookie_path: 'true', context_root_rewrite: 'true' };
const services = [
  aService('plain', { lb: { ...stripped, context_root: '/app' } }),
  aService('retried', { port: oneDeadTask, lb: { ...stripped, context_root: '/app' } }),
  aService('odd', { lb: { ...stripped, context_root: '/ä.$/b' } }),
  aService('moved', { lb: { cookie_path: '/old /new' } }),
  aService('flat', { lb: { cookie_path: '/old /' } }),
  aService('nested', { lb: { cookie_path: '/a /a/b' } }),
  aService('sticky', { port: onePort, lb: { ...stripped, context_root: '/app', sticky_session_cookie: 'app' } }),
  aService('secured', { lb: { ...stripped, context_root: '/app', ssl_cert: 'site' } }),
  aService('unstripped', { lb: { cookie_path: 'true', context_root: '/app' } }),
];

let nginx: NginxContainer;
beforeAll(async () => {
  nginx = await startOddNginx(services, { secrets: { site: await makeSite('secured.example.org') } });
});
afterAll(() => nginx[Symbol.asyncDispose]());

const query = (path: string) => `?header=Set-Cookie&value=${encodeURIComponent(`a=b; HttpOnly; Path=${path}; Secure`)}`;
const cookie = (path: string) => [`a=b; HttpOnly; Path=${path}; Secure`];

it.each([
  ['plain', '/app', '/', '/app'],
  ['plain', '/app', '/x', '/app/x'],
  ['plain', '/app', '/app', '/app'],
  ['plain', '/app', '/app/x', '/app/x'],
  ['plain', '/app', '/apple', '/app/apple'],
  ['retried', '/app', '/', '/app'],
  ['retried', '/app', '/x', '/app/x'],
  ['odd', '/%C3%A4.%24/b', '/', '/%C3%A4.%24/b'],
  ['odd', '/%C3%A4.%24/b', '/x', '/%C3%A4.%24/b/x'],
  ['odd', '/%C3%A4.%24/b', '/%C3%A4.%24/b', '/%C3%A4.%24/b'],
  ['odd', '/%C3%A4.%24/b', '/%C3%A4x%24/b', '/%C3%A4.%24/b/%C3%A4x%24/b'],
  ['moved', '', '/old', '/new'],
  ['moved', '', '/old/x', '/new/x'],
  ['moved', '', '/older', '/older'],
  ['moved', '', '/', '/'],
  ['flat', '', '/old', '/'],
  ['flat', '', '/old/x', '/x'],
  ['nested', '', '/a', '/a/b'],
  ['nested', '', '/a/x', '/a/b/x'],
  ['nested', '', '/a/b', '/a/b'],
  ['nested', '', '/a/b/x', '/a/b/x'],
  ['unstripped', '/app', '/', '/'],
])('%s%s: a cookie for %s applies to %s', async (name, root, path, expected) => {
  for (const status of [200, 404, 500]) {
    const answer = await get(nginx, `${name}.example.org`, `${root}/x${query(path)}&status=${status}`);

    expect(answer.status).toBe(status);
    expect(valuesOf(answer.headers, 'set-cookie')).toEqual(cookie(expected));
  }
});

it('cookies without a path stay as they are', async () => {
  const answer = await get(nginx, 'plain.example.org', '/app/x?header=Set-Cookie&value=a=b');

  expect(valuesOf(answer.headers, 'set-cookie')).toEqual(['a=b']);
});

it('streamed requests are no exception', async () => {
  const request = head(`POST /app/x${query('/')} HTTP/1.1`, 'Host: plain.example.org', 'Content-Length: 40000');
  const answer = await rawRequest({ port: nginx.port }, request + 'x'.repeat(40_000));

  expect(valuesOf(answer.headers, 'set-cookie')).toEqual(cookie('/app'));
});

it('the cookie of the proxy applies to the whole host', async () => {
  const answer = await get(nginx, 'sticky.example.org', `/app/x${query('/')}`);
  const cookies = valuesOf(answer.headers, 'set-cookie');

  expect(cookies).toContain(cookie('/app')[0]);
  expect(cookies.find((text) => text.startsWith('app_route='))).toMatch(/; path=\/$/);
});

it('works over TLS with HTTP/2', async () => {
  await using client = await Http2Client.open({ port: nginx.tlsPort, tls: { servername: 'secured.example.org' } });
  const headers = { ':authority': 'secured.example.org', ':path': `/app/x${query('/x')}` };

  expect(valuesOf((await client.request({ headers })).headers, 'set-cookie')).toEqual(cookie('/app/x'));
});
