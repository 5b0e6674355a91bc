// Labels `redirects`, `canonical_host` and `backend_path`, in the real nginx. `explain` must agree.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildDesiredState } from '../../src/model/desired-state.ts';
import { explainUrl } from '../../src/model/explain.ts';
import { parseSettings } from '../../src/model/settings/settings.ts';
import { aNetwork, aService } from '../support/builders.ts';
import { makeCertificate } from '../support/material.ts';
import type { NginxContainer } from '../support/nginx-container.ts';
import { get, oneDeadTask, startOddNginx } from '../support/odd-nginx.ts';
import { Http2Client, head, type RawAnswer, rawRequest, valuesOf } from '../support/raw-request.ts';

const moved = [
  'http://site.test/blog,https://blog.test/posts,301',
  'https://site.test/both,https://new.test,308',
  'http://site.test/gr%C3%B6%C3%9Fe,http://site.test/size%20x,307',
  'http://old.test,http://site.test,303',
  'http://old.test/shop,http://shop.test',
].join(';');

const services = [
  aService('site', { host: 'site.test,old.test', createdAt: '1', lb: { redirects: moved, ssl_cert: 'site' } }),
  aService('below', { host: 'site.test', createdAt: '2', lb: { context_root: '/blog/new' } }),
  aService('thief', {
    host: 'site.test',
    createdAt: '3',
    lb: {
      context_root: '/own',
      redirects: 'http://site.test/stolen,http://evil.test;http://site.test/own/x,http://x.test',
    },
  }),
  aService('start', {
    host: 'start.test',
    lb: { context_root: '/app', redirects: 'http://start.test,http://start.test/app' },
  }),
  aService('whole', { host: 'whole.test', lb: { redirects: 'http://whole.test,https://new.test,301' } }),
  aService('shut', { host: 'shut.test', lb: { redirects: 'http://shut.test/a,http://new.test', maintenance: 'true' } }),
  aService('canonical', {
    host: 'b.test,*.b.test,www.b.test',
    lb: { canonical_host: 'www.b.test', ssl_cert: 'site' },
  }),
  aService('secure', {
    host: 'c.test,www.c.test',
    lb: { canonical_host: 'www.c.test', ssl_cert: 'site', ssl_only: 'true' },
  }),
  aService('v2', { host: 'v2.test', lb: { backend_path: '/v2' } }),
  aService('instead', {
    host: 'instead.test',
    lb: { context_root: '/a', context_root_rewrite: 'true', backend_path: '/größe/a;b' },
  }),
  aService('kept', { host: 'kept.test', lb: { context_root: '/a', backend_path: "/it's/%22%24" } }),
  aService('retried', { host: 'retried.test', port: oneDeadTask, lb: { backend_path: '/v2' } }),
];

const settings = parseSettings({}, '1').settings;
const secrets = [{ id: 'site', name: 'site', createdAt: '', labels: {} }];
const snapshot = { services, networks: [aNetwork('app')], secrets, nodes: [], hostTasks: [], configs: [], owned: [] };
const { table } = buildDesiredState(snapshot, settings).clusters[0]!;

let nginx: NginxContainer;
beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'redirects-'));
  await makeCertificate(folder, 'site', { names: ['site.test', 'b.test', '*.b.test', 'c.test', 'www.c.test'] });
  const site = (await readFile(join(folder, 'site.crt'), 'utf8')) + (await readFile(join(folder, 'site.key'), 'utf8'));
  await rm(folder, { recursive: true });
  nginx = await startOddNginx(services, { secrets: { site } });
});
afterAll(() => nginx[Symbol.asyncDispose]());

type Result = readonly [status: number, text: string | undefined];

function resultOf({ status, headers, body }: Pick<RawAnswer, 'status' | 'headers' | 'body'>): Result {
  return [status, status === 200 ? JSON.parse(body).url : valuesOf(headers, 'location')[0]];
}

function explained(url: string): Result {
  const { answer } = explainUrl(table, url, { httpsPort: settings.clusters[0]!.settings.PublishedSSLPort })!;
  if (answer.kind === 'service') return [200, answer.requestUri];
  if (answer.kind === 'redirect') return [answer.status, answer.location];
  return [{ 'no-path': 404, 'bad-request': 400 }[answer.kind as string] ?? 503, undefined];
}

/** What nginx answers. `explain` must agree. */
async function ask(url: string): Promise<Result> {
  const [, scheme, host = '', target = ''] = /^(https?):\/\/([^/]+)(\/.*)$/.exec(url)!;
  const tls = { servername: host.replace(/:\d+$/, '') };
  const endpoint = scheme === 'https' ? { port: nginx.tlsPort, tls } : { port: nginx.port };
  const result = resultOf(await rawRequest(endpoint, head(`GET ${target} HTTP/1.1`, `Host: ${host}`)));
  expect(explained(url), url).toEqual(result);
  return result;
}

describe('redirects with paths', () => {
  it.each<[url: string, status: number, text?: string]>([
    ['http://site.test/blog', 301, 'https://blog.test/posts'],
    ['http://site.test/blog/', 301, 'https://blog.test/posts/'],
    ['http://site.test/blog?q=1', 301, 'https://blog.test/posts?q=1'],
    ['http://site.test/blog/a%2Fb/%C3%A4?q=%20&r', 301, 'https://blog.test/posts/a%2Fb/%C3%A4?q=%20&r'],
    ['http://site.test/%62log//x', 301, 'https://blog.test/posts//x'],
    ['http://site.test/blogs', 200, '/blogs'],
    ['http://site.test/blog/new', 200, '/blog/new'],
    ['http://site.test/blog/new/x', 200, '/blog/new/x'],
    ['http://site.test/blog/newer', 301, 'https://blog.test/posts/newer'],
    ['https://site.test/blog/x', 200, '/blog/x'],
    ['http://site.test/both/x', 308, 'https://new.test/x'],
    ['https://site.test/both', 308, 'https://new.test/'],
    ['https://site.test/both?q', 308, 'https://new.test/?q'],
    ['http://site.test/gr%C3%B6%C3%9Fe/x', 307, 'http://site.test/size%20x/x'],
    ['http://site.test/', 200, '/'],
    ['http://site.test/stolen', 200, '/stolen'],
    ['http://site.test/own/x/y', 302, 'http://x.test/y'],
    ['http://old.test/', 303, 'http://site.test/'],
    ['http://old.test/x?q', 303, 'http://site.test/x?q'],
    ['http://old.test/shop/1', 302, 'http://shop.test/1'],
    ['http://start.test/', 302, 'http://start.test/app/'],
    ['http://start.test/x?q', 302, 'http://start.test/app/x?q'],
    ['http://start.test/app', 200, '/app'],
    ['http://whole.test/x?q', 301, 'https://new.test/x?q'],
    ['http://shut.test/a/x', 503],
  ])('%s: %i %s', async (url, status, text) => {
    expect(await ask(url)).toEqual([status, text]);
  });

  it('never lead to another host than the target', async () => {
    for (const target of [
      '/blog//evil.test',
      '/blog/@evil.test',
      '/blog/%2f%2fevil.test',
      '/blog/..;/x',
      '/blog/\\evil.test',
    ]) {
      const { status, headers } = await get(nginx, 'site.test', target);
      if (status !== 400) expect(new URL(valuesOf(headers, 'location')[0]!).host).toBe('blog.test');
    }
  });

  it('have a page, also over HTTP/2 and with a body', async () => {
    await using h2 = await Http2Client.open({ port: nginx.port });
    const headers = { ':method': 'POST', ':authority': 'old.test', ':path': '/x' };

    const answer = await h2.request({ headers, body: 'x'.repeat(20_000) });
    expect(resultOf(answer)).toEqual([303, 'http://site.test/x']);
    expect(answer.body).toContain('See Other');
    expect((await get(nginx, 'site.test', '/gr%C3%B6%C3%9Fe')).body).toContain('Temporary Redirect');
  });
});

describe('canonical_host', () => {
  it.each<[url: string, status: number, text: string]>([
    ['http://b.test/x?q', 308, 'http://www.b.test/x?q'],
    ['http://b.test:8080/x%2Fy', 308, 'http://www.b.test:8080/x%2Fy'],
    ['https://b.test/x', 308, 'https://www.b.test/x'],
    ['http://any.b.test/', 308, 'http://www.b.test/'],
    ['http://www.b.test/x', 200, '/x'],
    ['https://www.b.test/x', 200, '/x'],
    ['http://c.test/x?q', 308, 'https://www.c.test:8443/x?q'],
    ['https://c.test/x?q', 308, 'https://www.c.test/x?q'],
    ['http://www.c.test/x', 301, 'https://www.c.test:8443/x'],
    ['https://www.c.test/x', 200, '/x'],
  ])('%s: %i %s', async (url, status, text) => {
    expect(await ask(url)).toEqual([status, text]);
  });
});

describe('backend_path', () => {
  it.each<[url: string, status: number, text?: string]>([
    ['http://v2.test/', 200, '/v2/'],
    ['http://v2.test/x%2Fy?q=1', 200, '/v2/x%2Fy?q=1'],
    ['http://instead.test/a/x%2Fy?q=1', 200, '/gr%C3%B6%C3%9Fe/a;b/x%2Fy?q=1'],
    ['http://instead.test/a', 200, '/gr%C3%B6%C3%9Fe/a;b/'],
    ['http://instead.test/b', 404],
    ['http://kept.test/a/x', 200, "/it's/%22%24/a/x"],
  ])('%s: %i %s', async (url, status, text) => {
    expect(await ask(url)).toEqual([status, text]);
  });

  it('passes on what the client sent, on a retry too, and with streamed bodies', async () => {
    for (let times = 0; times < 4; times++)
      expect(resultOf(await get(nginx, 'retried.test', '/a%20b'))).toEqual([200, '/v2/a%20b']);
    const post = head('POST /x HTTP/1.1', 'Host: v2.test', 'Content-Length: 20000');
    expect(resultOf(await rawRequest({ port: nginx.port }, post + 'x'.repeat(20_000)))).toEqual([200, '/v2/x']);
    const { body } = await get(nginx, 'v2.test', '/x', { headers: ['X-Forwarded-Prefix: /forged'] });
    expect(JSON.parse(body).rawHeaders.map(String)).not.toContain('/forged');
  });

  it('cannot be left by dot segments', async () => {
    const piece = fc.constantFrom('/', '//', '%2f', '.', '..', '%2e%2e', '..;', 'a', 'b%20', '%2F..', '?x=/../..');
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 8 }), async (pieces) => {
        const answer = await get(nginx, 'v2.test', `/${pieces.join('')}`);
        expect([200, 400]).toContain(answer.status);
        if (answer.status !== 200) return;
        const { url } = JSON.parse(answer.body);
        const decoded = decodeURIComponent(url.split('?')[0]);
        expect(decoded).toMatch(/^\/v2\//);
        expect(decoded.split('/')).not.toContain('..');
      }),
      { numRuns: 200 },
    );
  });
});
