import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { tryRequest } from '../../src/try-request/try-request.ts';

const stops: (() => void)[] = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});

async function serve(listener: RequestListener): Promise<number> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  stops.push(() => {
    server.closeAllConnections();
    server.close();
  });
  await new Promise((resolve) => server.once('listening', resolve));
  return (server.address() as AddressInfo).port;
}

const tried = async (url: string, options = {}) =>
  (await tryRequest(new URL(url), options)).map(({ step, ok, text }) => `${step} ${ok ? 'ok' : 'failed'}: ${text}`);

describe('a request to a node', () => {
  it('goes there, with the host and scheme of the URL, whatever DNS says', async () => {
    let host = '';
    const port = await serve(({ headers }, response) => {
      host = String(headers.host);
      response.end();
    });
    const target = { node: 'worker1', address: '127.0.0.1', port };
    const steps = await tried('http://app.invalid/', { target });

    expect(host).toBe('app.invalid');
    expect(steps.slice(0, 4)).toEqual([
      expect.stringContaining('dns failed: app.invalid is not in DNS'),
      'node ok: the request goes to worker1',
      `connection ok: connected to 127.0.0.1 port ${port}`,
      'answer ok: 200 OK',
    ]);
  });
});

describe('a tried request', () => {
  it('goes to the host of the URL and names proxy and task', async () => {
    let seen: string[] = [];
    const port = await serve(({ headers, url }, response) => {
      seen = [headers.host ?? '', url ?? '', String(headers['x-request-id'])];
      response.writeHead(200, { 'x-proxy-id': 'proxy1', 'x-upstream-addr': '10.0.1.5:8080' }).end('hello');
    });

    const steps = await tryRequest(new URL(`http://app.example.org:${port}/a?b`), { address: '127.0.0.1' });

    expect(seen.slice(0, 2)).toEqual([`app.example.org:${port}`, '/a?b']);
    expect(steps.map(({ step, text }) => `${step}: ${text}`)).toEqual([
      'dns: app.example.org is not resolved: the request goes to 127.0.0.1',
      `connection: connected to 127.0.0.1 port ${port}`,
      'answer: 200 OK',
      `proxy: proxy proxy1, request ${seen[2]} in the access log`,
      'task: task at 10.0.1.5:8080',
    ]);
    for (const { ms = 0 } of steps) expect(ms).toBeGreaterThanOrEqual(0);
  });

  it('reports an error page, and follows no redirect', async () => {
    const port = await serve((_, response) => response.writeHead(502).end('<small>Request abc</small>'));
    expect(await tried(`http://127.0.0.1:${port}/`)).toEqual([
      'dns ok: 127.0.0.1 is an address',
      expect.stringContaining('connection ok'),
      'answer failed: 502 Bad Gateway',
      expect.stringMatching(/^proxy ok: answered by a proxy, request [\w-]{36} in the access log$/),
    ]);

    const redirecting = await serve((_, response) =>
      response.writeHead(301, { location: 'https://app.example.org/' }).end(),
    );
    expect((await tried(`http://127.0.0.1:${redirecting}/`))[2]).toBe(
      'answer ok: 301 Moved Permanently to https://app.example.org/',
    );
  });

  it('ends at the first step that fails', async () => {
    expect(await tried('http://host.invalid/')).toEqual([
      expect.stringMatching(/^dns failed: host\.invalid is not in DNS: /),
    ]);
    const port = await serve(() => undefined);
    stops.splice(0)[0]!();
    expect((await tried(`http://127.0.0.1:${port}/`))[1]).toBe('connection failed: connection refused');
    const silent = await serve(() => undefined);
    expect((await tried(`http://127.0.0.1:${silent}/`, { timeoutMs: 200 }))[2]).toBe(
      'answer failed: no answer within 0.2 s',
    );
    const plain = await serve((_, response) => response.end());
    expect((await tried(`https://127.0.0.1:${plain}/`))[2]).toMatch(/^tls failed: /);
  });
});
