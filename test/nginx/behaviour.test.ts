import { beforeAll, describe, expect, it } from 'vitest';
import { buildDesiredState } from '../../src/model/desired-state.ts';
import { toRenderInput } from '../../src/model/render-input.ts';
import type { Route } from '../../src/model/route.ts';
import { parseSettings } from '../../src/model/settings/settings.ts';
import type { SwarmService } from '../../src/model/snapshot.ts';
import { aNetwork, aService } from '../support/builders.ts';
import { render } from '../support/golden.ts';
import { type Answer, containerPort, NginxContainer, type Question } from '../support/nginx-container.ts';

/** An application within nginx itself that answers with the request it received, one `name=value` a line. */
const echoed = {
  uri: '$request_uri',
  method: '$request_method',
  host: '$http_host',
  realIp: '$http_x_real_ip',
  for: '$http_x_forwarded_for',
  proto: '$http_x_forwarded_proto',
  forwardedHost: '$http_x_forwarded_host',
  port: '$http_x_forwarded_port',
  prefix: '$http_x_forwarded_prefix',
  requestId: '$http_x_request_id',
  upgrade: '$http_upgrade',
  connection: '$http_connection',
  cookie: '$http_cookie',
};
const body = Object.entries(echoed).map(([name, variable]) => `${name}=${variable}`);
const echo = `server { listen 127.0.0.1:9001; location / { return 200 "${body.join('\\n')}"; } }`;

const services: readonly SwarmService[] = [
  aService('plain'),
  aService('rewritten', { lb: { context_root: '/app', context_root_rewrite: 'true' } }),
  aService('kept', { lb: { context_root: '/app' } }),
  aService('root', { host: 'shared.example.org' }),
  aService('below', { host: 'shared.example.org', lb: { context_root: '/app', context_root_rewrite: 'true' } }),
  aService('lower', { host: 'shared.example.org', lb: { context_root: '/app/v2' } }),
  aService('gone', { mode: { kind: 'replicated', replicas: 0 } }),
  aService('wild', { host: '*.wild.example.org' }),
  aService('regex', { host: String.raw`~^shop-\d+\.example\.org$` }),
  // Can match in as many ways as an expression is allowed to.
  aService('ways', { host: '~^[a-x]{1,70}[a-x]{1,70}z$' }),
  aService('moved', { lb: { redirects: 'http://moved.example.org,https://new.example.org:8443' } }),
  aService('secure', { lb: { ssl_only: 'true' } }),
];

/** With the echo behind every route. */
function withEcho(route: Route): Route {
  const { backend } = route;
  const peers = [{ address: '127.0.0.1', port: 9001, resolve: false }];
  return backend.kind === 'unavailable' ? route : { ...route, backend: { kind: 'peers', peers } };
}

let nginx: NginxContainer;

beforeAll(async () => {
  const extension = { TargetPort: containerPort, TargetSSLPort: 8443, Config: { HTTPOptions: [echo] } };
  const { settings } = parseSettings({ Extensions: { default: extension } }, '1');
  const nothing = { nodes: [], hostTasks: [], configs: [], secrets: [], owned: [] };
  const [state] = buildDesiredState({ services, networks: [aNetwork('app')], ...nothing }, settings).clusters;
  const input = toRenderInput(state!);
  const { files } = render({ ...input, routes: input.routes.map(withEcho) });
  nginx = await NginxContainer.start();
  await nginx.serve(files[0]!.text);
  return () => nginx[Symbol.asyncDispose]();
});

type Echo = Record<keyof typeof echoed, string>;

function parseEcho({ body }: Answer): Echo {
  return Object.fromEntries(
    body.split('\n').map((line) => [line.split('=')[0], line.slice(line.indexOf('=') + 1)]),
  ) as Echo;
}

async function reached(question: Question): Promise<Echo> {
  const answer = await nginx.ask(question);
  expect(answer.status).toBe(200);
  return parseEcho(answer);
}

describe('a removed context root', () => {
  const host = 'rewritten.example.org';

  it.each`
    path                      | uri
    ${'/app'}                 | ${'/'}
    ${'/app/'}                | ${'/'}
    ${'/app/x.y'}             | ${'/x.y'}
    ${'/app/x/'}              | ${'/x/'}
    ${'/app?x=1'}             | ${'/?x=1'}
    ${'/app/?x=1'}            | ${'/?x=1'}
    ${'/app/a%2Fb?c=/../d'}   | ${'/a%2Fb?c=/../d'}
    ${'/app/a%20b%c3%bc?q=%'} | ${'/a%20b%c3%bc?q=%'}
    ${'/app//a'}              | ${'//a'}
    ${'/app/app'}             | ${'/app'}
    ${'/app/$host'}           | ${'/$host'}
    ${'/app/a?b=/app/c'}      | ${'/a?b=/app/c'}
  `('makes $uri of $path', async ({ path, uri }) => {
    expect(await reached({ host, path })).toMatchObject({ uri, prefix: '/app' });
  });

  it.each(['/', '/apple', '/app.html', '/ap', '/APP', '/x/app', '//'])(
    'does not match %s, which no service has',
    async (path) => {
      expect((await nginx.ask({ host, path })).status).toBe(404);
    },
  );

  it.each(['/app/../secret', '/app/..', '/app/%2e%2e/secret'])('cannot be escaped by %s', async (path) => {
    expect((await nginx.ask({ host, path })).status).toBe(404);
  });
});

describe('a context root that is kept', () => {
  it.each(['/app', '/app/', '/app/a%2Fb?c=/../d', '/app?x=1', '/app//x', '/app/./x'])(
    'still matches %s',
    async (path) => {
      expect(await reached({ host: 'kept.example.org', path })).toMatchObject({ uri: path, prefix: '' });
    },
  );
});

describe('services that share a host', () => {
  it.each`
    path           | uri            | prefix
    ${'/'}         | ${'/'}         | ${''}
    ${'/apple'}    | ${'/apple'}    | ${''}
    ${'/app/x'}    | ${'/x'}        | ${'/app'}
    ${'/app/v2/x'} | ${'/app/v2/x'} | ${''}
    ${'/app/v22'}  | ${'/v22'}      | ${'/app'}
  `('have separate paths: $path', async ({ path, uri, prefix }) => {
    expect(await reached({ host: 'shared.example.org', path })).toMatchObject({ uri, prefix });
  });
});

describe('the request to a service', () => {
  const host = 'plain.example.org';

  it("has the client's address, host and scheme", async () => {
    const echo = await reached({ host: `${host}:8081`, path: '/a?b=c' });

    expect(echo).toMatchObject({
      uri: '/a?b=c',
      host: `${host}:8081`,
      forwardedHost: `${host}:8081`,
      proto: 'http',
      port: '8081',
      prefix: '',
      realIp: expect.stringMatching(/^[0-9a-f.:]+$/),
    });
    expect(echo.for).toBe(echo.realIp);
  });

  it('has the default port if the client names none', async () => {
    expect(await reached({ host })).toMatchObject({ port: '80' });
  });

  it('has no forged headers', async () => {
    const headers = {
      'X-Forwarded-For': '203.0.113.9',
      'X-Forwarded-Proto': 'https',
      'X-Forwarded-Host': 'forged',
      'X-Forwarded-Port': '1',
      'X-Forwarded-Prefix': '/forged',
      'X-Real-IP': '203.0.113.9',
    };

    const echo = await reached({ host, headers });

    expect(echo).toMatchObject({ proto: 'http', forwardedHost: host, port: '80', prefix: '' });
    expect(echo.realIp).not.toBe('203.0.113.9');
    expect(echo.for).toBe(echo.realIp);
  });

  it('has a prefix only from a context root', async () => {
    const headers = { 'X-Forwarded-Prefix': '/forged' };

    expect(await reached({ host: 'rewritten.example.org', path: '/app/', headers })).toMatchObject({ prefix: '/app' });
  });

  it.each(['0123abcd', 'a1b2c3d4-e5f6-7890', 'Root=1-abc/def+x'])('keeps the request id %s', async (id) => {
    expect(await reached({ host, headers: { 'X-Request-ID': id } })).toMatchObject({ requestId: id });
  });

  it.each(['', 'short', 'with space in it', '"quoted"id"', 'x'.repeat(129), '(host)-padding'])(
    'has a new request id instead of %j',
    async (id) => {
      const { requestId } = await reached({ host, headers: { 'X-Request-ID': id } });

      expect(requestId).toMatch(/^[0-9a-f]{32}$/);
    },
  );

  it('asks for an upgrade if and only if the client does', async () => {
    const headers = { Upgrade: 'websocket', Connection: 'Upgrade' };

    expect(await reached({ host, headers })).toMatchObject({ upgrade: 'websocket', connection: 'upgrade' });
    expect(await reached({ host })).toMatchObject({ upgrade: '', connection: '' });
    expect(await reached({ host: 'rewritten.example.org', path: '/app/ws', headers })).toMatchObject({
      uri: '/ws',
      upgrade: 'websocket',
    });
  });
});

describe('a host', () => {
  it.each([
    'PLAIN.Example.Org',
    'plain.example.org:9999',
    'plain.example.org.',
    'a.wild.example.org',
    'a.b.wild.example.org',
    'shop-12.example.org',
  ])('matches %s', async (host) => {
    expect((await nginx.ask({ host })).status).toBe(200);
  });

  it.each([
    'unknown.example.org',
    'wild.example.org',
    'shop-x.example.org',
    'shop-1.example.org.evil',
    '_',
    '127.0.0.1:10246',
    'gone.example.org',
  ])('answers 503 with Retry-After if no service answers: %s', async (host) => {
    const answer = await nginx.ask({ host });

    expect(answer).toMatchObject({ status: 503, headers: { 'retry-after': '5', 'cache-control': 'no-store' } });
    expect(answer.body).toContain('503 Service Unavailable');
  });

  it('that is too long is not matched', async () => {
    expect((await nginx.ask({ host: `${'a'.repeat(20_000)}zb` })).status).toBe(400);
    expect((await nginx.ask({ host: 'a'.repeat(254) })).status).toBe(400);
    expect((await nginx.ask({ host: 'a'.repeat(253) })).status).toBe(503);
    expect((await nginx.ask({ host: `${'a'.repeat(140)}zb` })).status).toBe(503);
    expect((await nginx.ask({ host: `${'a'.repeat(140)}z` })).status).toBe(200);
  });

  it.each(['/status', '/version', '/nginx_status'])("does not expose nginx's status at %s", async (path) => {
    expect((await nginx.ask({ host: 'unknown', path })).status).toBe(503);
    expect((await nginx.ask({ host: '127.0.0.1:10246', path })).status).toBe(503);
    expect(await reached({ host: 'plain.example.org', path })).toMatchObject({ uri: path });
  });
});

describe('a redirect', () => {
  it('keeps path and query', async () => {
    expect(await nginx.ask({ host: 'moved.example.org', path: '/a%2Fb?c=d' })).toMatchObject({
      status: 302,
      headers: { location: 'https://new.example.org:8443/a%2Fb?c=d' },
    });
  });

  it.each`
    method      | status
    ${'GET'}    | ${301}
    ${'HEAD'}   | ${301}
    ${'POST'}   | ${308}
    ${'DELETE'} | ${308}
  `('to HTTPS is $status for $method', async ({ method, status }) => {
    expect(await nginx.ask({ host: 'secure.example.org', path: '/a?b=c', method })).toMatchObject({
      status,
      headers: { location: 'https://secure.example.org:8443/a?b=c' },
    });
  });
});
