import { beforeAll, describe, expect, it } from 'vitest';
import { buildDesiredState } from '../../src/model/desired-state.ts';
import { explainUrl } from '../../src/model/explain.ts';
import { toRenderInput } from '../../src/model/render-input.ts';
import type { Route } from '../../src/model/route.ts';
import { createRouteTableBuilder } from '../../src/model/route-table.ts';
import { parseSettings } from '../../src/model/settings/settings.ts';
import { aNetwork, aService } from '../support/builders.ts';
import { render } from '../support/golden.ts';
import { containerPort, NginxContainer } from '../support/nginx-container.ts';

const at = (name: string, path: string) => aService(name, { host: 'paths.example.org', lb: { context_root: path } });

const services = [
  aService('wild', { host: '*.foo.com' }),
  aService('exact', { host: 'a.exact.foo.com' }),
  aService('commas', { host: String.raw`~^app\d{1,3}\.example\.org$,~^x{2,}\.example\.org$,listed.example.org` }),
  at('size', '/größe'),
  at('space', '/my%20app'),
  at('dollar', '/$host'),
  at('delimiters', "/!&'()*+,;=:@"),
  at('quoted', '/%22%5C%7B%7D'),
  at('question', '/a%3Fb%23c'),
  at('percent', '/a%2541'),
];

let nginx: NginxContainer;
let explained: (url: string) => string;

/** An application within nginx itself that reports which service it is. */
function withEcho(route: Route, port: number): Route {
  const peers = [{ address: '127.0.0.1', port, resolve: false }];
  return { ...route, backend: { kind: 'peers', peers } };
}

beforeAll(async () => {
  const nothing = { nodes: [], hostTasks: [], configs: [], secrets: [], owned: [] };
  const names = services.map(({ name }) => name);
  const echoes = names.map((name, n) => `server { listen 127.0.0.1:${9100 + n}; location / { return 200 ${name}; } }`);
  const extension = { TargetPort: containerPort, TargetSSLPort: 8443, Config: { HTTPOptions: echoes } };
  const { settings } = parseSettings({ Extensions: { default: extension } }, '1');
  const [state] = buildDesiredState({ services, networks: [aNetwork('app')], ...nothing }, settings).clusters;
  const routes = state!.routes.map((route) => withEcho(route, 9100 + names.indexOf(route.service.name)));
  const table = createRouteTableBuilder()(routes);
  const { files } = render({ ...toRenderInput(state!), routes });
  explained = (url) => {
    const { answer } = explainUrl(table, url, { httpsPort: 8443 })!;
    return answer.kind === 'service' ? answer.route.services.join() : answer.kind;
  };
  nginx = await NginxContainer.start();
  await nginx.serve(files[0]!.text);
  return () => nginx[Symbol.asyncDispose]();
});

/** The service that answers, according to nginx. `explain` must agree. */
async function owner(host: string, path: string): Promise<string> {
  const { status, body } = await nginx.ask({ host, path });
  const found = status === 200 ? body : { 404: 'no-path', 503: 'no-host' }[status];
  expect(explained(`http://${host}${path}`)).toBe(found);
  return found!;
}

describe('a host', () => {
  it.each([
    ['a.foo.com', 'wild'],
    ['A.FOO.com', 'wild'],
    ['a.b.foo.com', 'wild'],
    ['a.b.c.foo.com', 'wild'],
    ['foo.com', 'no-host'],
    ['xfoo.com', 'no-host'],
    ['a.exact.foo.com', 'exact'],
    ['b.exact.foo.com', 'wild'],
    ['app1.example.org', 'commas'],
    ['app123.example.org', 'commas'],
    ['app1234.example.org', 'no-host'],
    ['app.example.org', 'no-host'],
    ['xxx.example.org', 'commas'],
    ['x.example.org', 'no-host'],
    ['listed.example.org', 'commas'],
  ])('%s belongs to %s', async (host, service) => {
    expect(await owner(host, '/')).toBe(service);
  });
});

describe('a context root', () => {
  it.each([
    ['/gr%C3%B6%C3%9Fe', 'size'],
    ['/gr%c3%b6%c3%9fe/x', 'size'],
    ['//gr%C3%B6%C3%9Fe/./x', 'size'],
    ['/x/../gr%C3%B6%C3%9Fe', 'size'],
    ['/gr%C3%B6%C3%9Fer', 'no-path'],
    ['/gr%F6%DFe', 'no-path'],
    ['/my%20app/x', 'space'],
    ['/my+app/x', 'no-path'],
    ['/$host/x', 'dollar'],
    ['/%24host', 'dollar'],
    ['/paths.example.org', 'no-path'],
    ["/!&'()*+,;=:@/x", 'delimiters'],
    ['/%21&%27()*+,;=:@', 'delimiters'],
    ['/%22%5c%7b%7d/', 'quoted'],
    ['/a%3fb%23c', 'question'],
    ['/a?b', 'no-path'],
    ['/a%2541', 'percent'],
    ['/aA', 'no-path'],
  ])('%s belongs to %s', async (path, service) => {
    expect(await owner('paths.example.org', path)).toBe(service);
  });
});
