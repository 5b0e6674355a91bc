// Labels `mirror` and `mirror_percent`, in the real nginx: another service receives copies, and clients do not notice.
import { Agent, request as httpRequest } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { aService } from '../support/builders.ts';
import { eventually } from '../support/eventually.ts';
import type { NginxContainer } from '../support/nginx-container.ts';
import { arrived, deadOnly, get, ownPort, startOddNginx, twoTasks } from '../support/odd-nginx.ts';

/** Receives the copies: `/stuck` is never answered, `/copies` lists what arrived. */
const copyist = `
const copies = [];
require('node:http').createServer((request, response) => {
  if (request.url.startsWith('/copies')) return response.end(JSON.stringify(copies));
  let body = '';
  request.on('data', (data) => { body += data; }).on('end', () => {
    const { method, url, headers } = request;
    copies.push({ method, url, headers, body: body.length > 100 ? body.length : body });
    if (!url.startsWith('/stuck')) response.writeHead(500).end('copy');
  });
}).listen(9004);
`;
const mirror = `copyist:${ownPort}`;
const users = 'alice:$apr1$abcdefgh$FGxJUYwnA1H7vFQ0y1bWs/';
const services = [
  { ...aService('copyist'), labels: {} },
  aService('copies', { port: ownPort }),
  aService('app', { port: twoTasks, lb: { mirror } }),
  aService('below', {
    lb: { mirror, context_root: '/app', context_root_rewrite: 'true', 'request_header.X-Own': 'x' },
  }),
  aService('tenth', { lb: { mirror, mirror_percent: '10' } }),
  aService('none', { lb: { mirror, mirror_percent: '0' } }),
  aService('dead', { lb: { mirror: `copyist:${deadOnly}` } }),
  aService('unknown', { lb: { mirror: 'nobody' } }),
  aService('guarded', { lb: { mirror, basic_auth: 'users' } }),
  aService('canary', { host: 'app.example.org', createdAt: '1', lb: { match: 'header:X-Canary' } }),
];

let nginx: NginxContainer;
const agent = new Agent({ keepAlive: true, maxSockets: 1 });
beforeAll(async () => {
  nginx = await startOddNginx(services, { secrets: { users } });
  await nginx.startBeside('node', '-e', copyist);
  await eventually(async () => expect((await get(nginx, 'copies.example.org', '/copies')).status).toBe(200));
});
afterAll(async () => {
  agent.destroy();
  await nginx[Symbol.asyncDispose]();
});

interface Copy {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | number;
}

async function copiesOf(key: string): Promise<readonly Copy[]> {
  const all = JSON.parse((await get(nginx, 'copies.example.org', '/copies')).body) as readonly Copy[];
  return all.filter(({ url }) => url.includes(key));
}

/** Over one kept connection. */
function ask(host: string, path: string, body = '', headers: Readonly<Record<string, string>> = {}) {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; body: string }>();
  const options = { port: nginx.port, agent, method: body === '' ? 'GET' : 'POST', path };
  httpRequest({ ...options, headers: { host: `${host}.example.org`, ...headers } }, (response) => {
    text(response).then((answer) => resolve({ status: response.statusCode!, body: answer }), reject);
  })
    .on('error', reject)
    .end(body);
  return promise;
}

describe('a copy', () => {
  it('has the method, path, headers and body of the request', async () => {
    const answer = await ask('app', '/a%2Fb?key=first', 'hello', { 'X-Of-Client': '1', 'Content-Length': '5' });
    expect(arrived(answer)).toMatchObject({ url: '/a%2Fb?key=first', length: 5 });

    const copy = await eventually(async () => {
      const copies = await copiesOf('key=first');
      expect(copies).toHaveLength(1);
      return copies[0]!;
    });
    expect(copy).toMatchObject({ method: 'POST', url: '/a%2Fb?key=first', body: 'hello' });
    expect(copy.headers).toMatchObject({
      host: 'app.example.org',
      'x-of-client': '1',
      'x-forwarded-host': 'app.example.org',
      'x-forwarded-proto': 'http',
      'x-request-id': expect.any(String),
    });
    expect(copy.headers['x-forwarded-for']).toMatch(/^\d+\.\d+\.\d+\.\d+$/);
  });

  it('has the path of the client, and the headers of the route', async () => {
    expect(arrived(await ask('below', '/app/x%2Fy?key=below'))).toMatchObject({ url: '/x%2Fy?key=below' });

    await eventually(async () => expect(await copiesOf('key=below')).toMatchObject([{ url: '/app/x%2Fy?key=below' }]));
    expect((await copiesOf('key=below'))[0]!.headers['x-own']).toBe('x');
  });

  it('is not made of requests that the service does not receive, or that are streamed', async () => {
    expect((await ask('guarded', '/?key=never')).status).toBe(401);
    expect((await ask('none', '/?key=never')).status).toBe(200);
    expect((await ask('app', '/?key=never', '', { 'X-Canary': '1' })).status).toBe(200);
    const large = 'x'.repeat(1_000_000);
    const answer = await ask('app', '/?key=never', large, { 'Content-Length': String(large.length) });
    expect(arrived(answer)).toMatchObject({ length: large.length });
    await ask('app', '/?key=last');

    await eventually(async () => expect(await copiesOf('key=last')).toHaveLength(1));
    expect(await copiesOf('key=never')).toEqual([]);
  });

  it('is made of a part of the requests', async () => {
    for (let n = 0; n < 400; n++) await ask('tenth', `/?key=tenth${n}`);

    await eventually(async () => expect((await copiesOf('key=tenth')).length).toBeGreaterThan(14));
    expect((await copiesOf('key=tenth')).length).toBeLessThan(70);
  });
});

describe('a client', () => {
  it.each(['dead', 'unknown'])('does not notice that nobody receives copies: %s', async (host) => {
    for (let n = 0; n < 5; n++) expect(arrived(await ask(host, `/?n=${n}`))).toMatchObject({ port: 9001 });
  });

  it('does not wait for the service that receives copies, nor do its next requests', async () => {
    const begun = performance.now();
    for (let n = 0; n < 5; n++) arrived(await ask('app', `/stuck?key=slow${n}`));

    expect(performance.now() - begun).toBeLessThan(900);
    await eventually(async () => expect(await copiesOf('key=slow')).toHaveLength(5));
  });
});
