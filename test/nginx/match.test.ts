// Label `match`, in the real nginx: services that share a host and path, each with its own labels.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createStateBuilder } from '../../src/model/desired-state.ts';
import { parseSettings } from '../../src/model/settings/settings.ts';
import { aNetwork, aService } from '../support/builders.ts';
import type { NginxContainer } from '../support/nginx-container.ts';
import { arrived, deadOnly, get, oneDeadTask, startOddNginx, twoTasks } from '../support/odd-nginx.ts';
import { head, rawRequest, valuesOf } from '../support/raw-request.ts';

const host = 'app.example.org';
const longest = `${'~"='.repeat(33)}x`;
const named = (service: string) => ({ 'request_header.X-Service': service });
const services = [
  aService('plain', { host, createdAt: '1', lb: { ...named('plain'), rate_limit: '100r/s key=host' } }),
  aService('rewritten', {
    host,
    createdAt: '2',
    lb: { ...named('rewritten'), match: 'header:X-To=rewritten', context_root: '/app', context_root_rewrite: 'true' },
  }),
  aService('limited', {
    host,
    createdAt: '3',
    lb: { ...named('limited'), match: 'header:X-To=limited', rate_limit: '1r/m burst=0 key=host' },
  }),
  aService('secure', { host, createdAt: '4', lb: { match: 'header:X-To=secure', ssl_only: 'true' } }),
  aService('checker', { port: '9091' }),
  aService('asked', {
    host,
    createdAt: '4',
    lb: { match: 'header:X-To=asked', forward_auth: 'http://checker:9091/verify', cors: 'https://a.test' },
  }),
  aService('guarded', { host, createdAt: '4', lb: { match: 'header:X-To=guarded', basic_auth: 'users' } }),
  aService('closed', { host, createdAt: '5', lb: { match: 'header:X-To=closed', maintenance: 'true' } }),
  aService('asleep', {
    host,
    createdAt: '6',
    lb: { match: 'header:X-To=asleep' },
    mode: { kind: 'replicated', replicas: 0 },
  }),
  aService('retried', { host, createdAt: '7', port: oneDeadTask, lb: { ...named('r'), match: 'header:X-To=retried' } }),
  aService('dead', { host, createdAt: '7', port: deadOnly, lb: { match: 'header:X-To=dead' } }),
  aService('small', {
    host,
    createdAt: '8',
    lb: { ...named('small'), match: 'header:X-To=small', max_body_size: '1k' },
  }),
  aService('large', {
    host,
    createdAt: '9',
    port: twoTasks,
    lb: { ...named('large'), match: 'header:X-To=large', max_body_size: '50m', 'response_header.X-Large': '1' },
  }),
  aService('beta', { host, createdAt: 'a', lb: { ...named('beta'), match: 'cookie:beta=Yes, query:v=a b&c' } }),
  aService('names', { host, createdAt: 'b', lb: { ...named('names'), match: `cookie:a.b-c, query:q=${longest}` } }),
  aService('odd', { host, createdAt: 'c', lb: { ...named('odd'), match: String.raw`header:X-Odd=$host"\{};'^.*` } }),
  aService('wrong', { host, createdAt: '0', lb: { ...named('wrong'), match: 'header:X To=1' } }),
  aService('wrong-below', { host, createdAt: '0', lb: { match: 'anything', context_root: '/below' } }),
  aService('alone', { lb: { match: 'method:get' } }),
  aService('only', { lb: { ...named('only'), match: 'method:POST|PUT, header:x-only', context_root: '/only' } }),
];

let nginx: NginxContainer;
beforeAll(async () => {
  nginx = await startOddNginx(services, { secrets: { users: 'alice:$apr1$abcdefgh$FGxJUYwnA1H7vFQ0y1bWs/' } });
});
afterAll(() => nginx[Symbol.asyncDispose]());

const to = (service: string) => [`X-To: ${service}`];

describe('a request', () => {
  it.each`
    service    | headers                                | target
    ${'plain'} | ${[]}                                  | ${'/x%2Fy?q'}
    ${'plain'} | ${['X-To: nobody']}                    | ${'/app/x'}
    ${'plain'} | ${['X-To: LIMITED']}                   | ${'/'}
    ${'plain'} | ${['X-To: limited1']}                  | ${'/'}
    ${'plain'} | ${['X-To: limited', 'X-To: small']}    | ${'/'}
    ${'plain'} | ${['X-To: rewritten']}                 | ${'/apple'}
    ${'plain'} | ${[]}                                  | ${'/below/x'}
    ${'small'} | ${['x-tO: small']}                     | ${'/x%2Fy?q=%20'}
    ${'beta'}  | ${['Cookie: a=1; beta=Yes; c=2']}      | ${'/?v=a%20b%26c'}
    ${'beta'}  | ${['Cookie: beta=Yes']}                | ${'/?x=1&v=a+b%26c&v=2'}
    ${'beta'}  | ${['Cookie: a=1', 'Cookie: beta=Yes']} | ${'/?%76=%61%20b%26c'}
    ${'plain'} | ${['Cookie: beta=yes']}                | ${'/?v=a%20b%26c'}
    ${'plain'} | ${['Cookie: BETA=Yes']}                | ${'/?v=a%20b%26c'}
    ${'plain'} | ${['Cookie: alphabeta=Yes']}           | ${'/?v=a%20b%26c'}
    ${'plain'} | ${['Cookie: beta=No; beta=Yes']}       | ${'/?v=a%20b%26c'}
    ${'plain'} | ${['Cookie: beta=Yes']}                | ${'/?v=a%20b&c'}
    ${'plain'} | ${['Cookie: beta=Yes']}                | ${'/?V=a%20b%26c'}
    ${'plain'} | ${['Cookie: beta=Yes']}                | ${'/?v=1&v=a%20b%26c'}
    ${'names'} | ${['Cookie: a.b-c=']}                  | ${`/?q=${encodeURIComponent(longest)}`}
    ${'plain'} | ${['Cookie: aXb-c=']}                  | ${`/?q=${encodeURIComponent(longest)}`}
    ${'odd'}   | ${[String.raw`X-Odd: $host"\{};'^.*`]} | ${'/'}
    ${'plain'} | ${['X-Odd: app.example.org']}          | ${'/'}
  `('with $headers for $target reaches $service', async ({ service, headers, target }) => {
    const received = arrived(await get(nginx, host, target, { headers }));

    expect(received.header('x-service')).toBe(service);
    expect(received.url).toBe(target);
  });

  it('has the path of its own service', async () => {
    const received = arrived(await get(nginx, host, '/app/x%2Fy?q', { headers: to('rewritten') }));

    expect([received.url, received.header('x-forwarded-prefix')]).toEqual(['/x%2Fy?q', '/app']);
    expect(arrived(await get(nginx, host, '/app/x')).header('x-forwarded-prefix')).toBeUndefined();
  });

  it.each([
    ['secure', 301],
    ['asked', 401],
    ['guarded', 401],
    ['closed', 503],
    ['asleep', 503],
    ['dead', 502],
  ])('to %s is answered with %i, with a page', async (service, status) => {
    const answer = await get(nginx, host, '/x', { headers: to(service) });

    expect(answer.status).toBe(status);
    expect(answer.body).toMatch(/<!doctype html>/i);
  });

  it('is let in by the authenticator of its own service', async () => {
    const headers = [...to('asked'), 'Cookie: session=alice', 'Origin: https://a.test'];
    const answer = await get(nginx, host, '/x', { headers });

    expect(arrived(answer)).toMatchObject({ url: '/x' });
    expect(valuesOf(answer.headers, 'access-control-allow-origin')).toEqual(['https://a.test']);
  });

  it('that no service matches is answered with 404, with a page', async () => {
    const answer = await get(nginx, 'only.example.org', '/only', { headers: ['X-Only: 1'] });

    expect(answer.status).toBe(404);
    expect(answer.body).toContain('Nothing is published under this path.');
  });

  it('that no task received is repeated', async () => {
    for (let n = 0; n < 6; n++)
      expect(arrived(await get(nginx, host, '/x', { headers: to('retried') })).header('x-service')).toBe('r');
  });

  it('is limited by its own service only', async () => {
    const statuses = [];
    for (const service of ['limited', 'limited', 'small', 'plain'])
      statuses.push((await get(nginx, host, '/', { headers: to(service) })).status);

    expect(statuses).toEqual([200, 429, 200, 200]);
  });

  it.each([
    ['small', 1024, 200],
    ['small', 1025, 413],
    ['large', 40_000_000, 200],
    ['large', 50 * 1024 ** 2 + 1, 413],
    ['nobody', 33_000_000, 200],
    ['nobody', 34_000_000, 413],
  ])('to %s may have the body that its service accepts: %i bytes', async (service, length, status) => {
    const options = { host, method: 'POST', headers: { 'X-To': service, 'Content-Length': String(length) } };
    const answer = await nginx
      .ask({ ...options, body: 'x'.repeat(length) })
      .catch(() => ({ status: 413, headers: {} }));

    expect(answer.status).toBe(status);
    if (status === 200) expect('x-large' in answer.headers).toBe(service === 'large');
  });

  it('without a length may have the body that its service accepts', async () => {
    const chunk = 'x'.repeat(2000);
    const body = `${chunk.length.toString(16)}\r\n${chunk}\r\n0\r\n\r\n`;
    const send = async (service: string) =>
      rawRequest(
        { port: nginx.port },
        head('POST / HTTP/1.1', `Host: ${host}`, `X-To: ${service}`, 'Transfer-Encoding: chunked') + body,
      );

    expect((await send('small')).status).toBe(413);
    const answer = await send('large');
    expect(arrived(answer)).toMatchObject({ length: 2000, method: 'POST' });
    expect(valuesOf(answer.headers, 'x-large')).toEqual(['1']);
  });
});

describe('an invalid value', () => {
  it('closes the path if no other service has it', async () => {
    const answer = await get(nginx, 'alone.example.org', '/x');

    expect(answer.status).toBe(503);
  });

  it.each([
    ['', 'contains no condition'],
    ['header:X Y=1', 'contains a condition that is not like'],
    ['header:X=', 'contains a condition that is not like'],
    ['cookie:', 'contains a condition that is not like'],
    ['method:get', 'contains a condition that is not like'],
    ['path:/x', 'contains a condition that is not like'],
    ['header:A,header:a=1', 'has two conditions on the same name'],
    ['method:GET,method:POST', 'has two conditions on the same name'],
    [Array.from({ length: 17 }, (_, n) => `query:a${n}`).join(), 'has more than 16 conditions'],
    [`query:a=${'x'.repeat(101)}`, 'contains a condition that is not like'],
  ])('is a problem: %s', (match, reason) => {
    const nothing = { nodes: [], hostTasks: [], configs: [], owned: [], secrets: [] };
    const snapshot = { services: [aService('app', { lb: { match: `${match},` } })], networks: [aNetwork('app')] };
    const { problems } = createStateBuilder()({ ...snapshot, ...nothing }, parseSettings({}, '1').settings);

    expect(problems).toMatchObject([{ severity: 'error', label: 'com.docker.lb.match' }]);
    expect(problems[0]?.reason).toContain(reason);
  });
});
