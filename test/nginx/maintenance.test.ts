import { beforeAll, describe, expect, it } from 'vitest';
import { buildDesiredState } from '../../src/model/desired-state.ts';
import { toRenderInput } from '../../src/model/render-input.ts';
import type { Route } from '../../src/model/route.ts';
import { parseSettings } from '../../src/model/settings/settings.ts';
import { aNetwork, aService } from '../support/builders.ts';
import { render } from '../support/golden.ts';
import { containerPort, containerTlsPort, NginxContainer } from '../support/nginx-container.ts';

/** An application with its own pages, also for 503, and clients with an address that the test chooses. */
const application = [
  'server { listen 127.0.0.1:9001; location / { return 200 "path=$request_uri"; } location /busy { return 503 "its own page"; } location /app/lost { return 404 "its own page"; } }',
  'set_real_ip_from 0.0.0.0/0;',
  'real_ip_header X-Test-Address;',
];

/** With every character that is special to nginx, and longer than an nginx word may be. */
const pages = {
  unavailable: `<h1>"Gone", it's \\n $host \${host} {}; # ß 🚧</h1>\n`,
  maintenance: `<h1>Closed</h1>\r\n${'<p>"$5" \\ 🚧</p>\n'.repeat(3000)}`,
  notFound: '<h1>$uri "lost"</h1>\n',
};

const team = { maintenance: 'true', maintenance_allow: '192.0.2.7, 10.20.0.0/16, 2001:db8::/32' };
const services = [
  aService('open'),
  aService('shut', { lb: { maintenance: 'true' } }),
  aService('partly', { lb: team }),
  aService('rewritten', { lb: { ...team, context_root: '/app', context_root_rewrite: 'true' } }),
  aService('partial', { lb: { context_root: '/app' } }),
  aService('secure', { lb: { ...team, ssl_only: 'true' } }),
  aService('old', { lb: { ...team, redirects: 'http://old.example.org,http://new.example.org' } }),
];

function onLoopback(route: Route): Route {
  return { ...route, backend: { kind: 'peers', peers: [{ address: '127.0.0.1', port: 9001, resolve: false }] } };
}

let nginx: NginxContainer;

beforeAll(async () => {
  const extension = {
    TargetPort: containerPort,
    TargetSSLPort: containerTlsPort,
    PublishMode: 'host',
    Config: { HTTPOptions: application },
  };
  const { settings } = parseSettings({ Extensions: { default: extension } }, '1');
  const nothing = { nodes: [], hostTasks: [], configs: [], secrets: [], owned: [] };
  const [state] = buildDesiredState({ services, networks: [aNetwork('app')], ...nothing }, settings).clusters;
  const input = toRenderInput(state!);
  const { files } = render({ ...input, pages, routes: input.routes.map(onLoopback) });
  nginx = await NginxContainer.start();
  await nginx.serve(files[0]!.text);
  return () => nginx[Symbol.asyncDispose]();
});

const ask = (name: string, address: string, path = '/', method = 'GET') =>
  nginx.ask({ host: `${name}.example.org`, path, method, headers: { 'x-test-address': address } });

describe('a host under maintenance', () => {
  it.each(['GET', 'POST', 'DELETE'])('answers %s with its page and Retry-After', async (method) => {
    const { status, headers, body } = await ask('shut', '192.0.2.7', '/any/path?x', method);

    expect([status, headers['retry-after'], headers['content-type']]).toEqual([503, '60', 'text/html']);
    expect(body).toBe(pages.maintenance);
  });

  it.each`
    address          | status
    ${'192.0.2.7'}   | ${200}
    ${'192.0.2.8'}   | ${503}
    ${'10.20.255.1'} | ${200}
    ${'10.21.0.1'}   | ${503}
    ${'2001:db8::9'} | ${200}
    ${'2001:db9::9'} | ${503}
  `('allows the addresses of its list: $address gets $status', async ({ address, status }) => {
    expect((await ask('partly', address)).status).toBe(status);
    expect((await ask('rewritten', address, '/app/x')).status).toBe(status);
  });

  it('is unchanged for allowed clients', async () => {
    const passing = '192.0.2.7';

    expect((await ask('rewritten', passing, '/app/x?y')).body).toBe('path=/x?y');
    expect((await ask('secure', passing)).status).toBe(301);
    expect((await ask('old', passing)).headers.location).toBe('http://new.example.org/');
    expect((await ask('partly', passing)).headers).not.toHaveProperty('retry-after');
  });

  it('redirects no other client', async () => {
    expect((await ask('secure', '192.0.2.8')).status).toBe(503);
    expect((await ask('old', '192.0.2.8')).status).toBe(503);
  });
});

it("shows the administrator's page if no service answers", async () => {
  expect(await nginx.ask({ host: 'nobody' })).toMatchObject({
    status: 503,
    body: pages.unavailable,
    headers: { 'content-type': 'text/html', 'retry-after': '5' },
  });
});

it.each(['/', '/apple', '/.well-known/x'])(
  "shows the administrator's page for %s, which no route covers",
  async (path) => {
    expect(await ask('partial', '192.0.2.8', path)).toMatchObject({
      status: 404,
      body: pages.notFound,
      headers: { 'content-type': 'text/html' },
    });
    expect(await ask('partial', '192.0.2.8', path, 'POST')).toMatchObject({ status: 404, body: pages.notFound });
  },
);

it('shows the built-in page for other errors', async () => {
  const { status, body } = await nginx.ask({ host: 'open.example.org', path: '/%00' });

  expect(status).toBe(400);
  expect(body).toContain('<h1>Bad Request</h1>');
});

it('does not replace pages of applications', async () => {
  expect(await ask('partial', '192.0.2.8', '/app/lost')).toMatchObject({ status: 404, body: 'its own page' });
  expect(await ask('open', '192.0.2.8', '/busy')).toMatchObject({ status: 503, body: 'its own page' });
  expect(await ask('partly', '192.0.2.7', '/busy')).toMatchObject({ status: 503, body: 'its own page' });
});
