// The log from which the agent counts requests, as the real nginx writes it.
import { beforeAll, expect, it } from 'vitest';
import { errorReason, triedTask } from '../../src/controller/traffic/error-reason.ts';
import { buildDesiredState } from '../../src/model/desired-state.ts';
import { toRenderInput } from '../../src/model/render-input.ts';
import type { Route } from '../../src/model/route.ts';
import { parseSettings } from '../../src/model/settings/settings.ts';
import { RequestCounts, shownHost } from '../../src/proxy/metrics/request-counts.ts';
import { RequestErrors } from '../../src/proxy/metrics/request-errors.ts';
import { errorLogConfiguration, requestLogConfiguration } from '../../src/proxy/nginx/request-log.ts';
import { aNetwork, aService } from '../support/builders.ts';
import { eventually } from '../support/eventually.ts';
import { render } from '../support/golden.ts';
import { containerPort, containerTlsPort, NginxContainer } from '../support/nginx-container.ts';

/** An application that fails under /bad. Nothing listens on the other port. */
const application =
  'server { listen 127.0.0.1:9001; access_log off; location / { return 200; } location /bad { return 500; } }';
const services = [
  aService('plain', { host: 'plain.example.org,second.example.org' }),
  aService('wild', { host: '*.wild.example.org' }),
  aService('regex', { host: String.raw`~^shop-\d+\.example\.org$` }),
  aService('old', { lb: { redirects: 'http://old.example.org,http://new.example.org' } }),
  aService('shut', { lb: { maintenance: 'true' } }),
  aService('down'),
  aService('path', { host: 'plain.example.org', lb: { context_root: '/café' } }),
];

function onLoopback(route: Route): Route {
  const ports = route.service.name === 'down' ? [9002, 9003] : [9001];
  const peers = ports.map((port) => ({ address: '127.0.0.1', port, resolve: false }));
  return { ...route, backend: { kind: 'peers', peers } };
}

let nginx: NginxContainer;

beforeAll(async () => {
  const extension = {
    TargetPort: containerPort,
    TargetSSLPort: containerTlsPort,
    MetricsSecret: 'token',
    Config: { HTTPOptions: [application] },
  };
  const { settings } = parseSettings({ Extensions: { default: extension } }, '1');
  const secrets = [{ id: 'token', name: 'token', createdAt: '', labels: {} }];
  const nothing = { nodes: [], hostTasks: [], configs: [], owned: [] };
  const [state] = buildDesiredState({ services, networks: [aNetwork('app')], secrets, ...nothing }, settings).clusters;
  const input = toRenderInput(state!);
  const { files } = render({ ...input, routes: input.routes.map(onLoopback) });
  nginx = await NginxContainer.start();
  await nginx.write('/tmp/signalbox', {
    'metrics.conf': requestLogConfiguration('/tmp/requests.log'),
    'errors.conf': errorLogConfiguration('/tmp/errors.log'),
  });
  await nginx.serve(files[0]!.text);
  return () => nginx[Symbol.asyncDispose]();
});

const questions: readonly (readonly [host: string, path?: string])[] = [
  ['plain.example.org'],
  ['SECOND.example.org.'],
  ['second.example.org', '/bad'],
  ['a.wild.example.org'],
  ['b.wild.example.org'],
  ['shop-7.example.org'],
  ['old.example.org'],
  ['shut.example.org'],
  ['down.example.org'],
  ['plain.example.org', '/caf%C3%A9/y?secret=1'],
  ['plain.example.org', '/caf%C3%A9/bad'],
  ['hostile" 200 0.1.example.org'],
  ['hostile\\nplain.example.org'],
];

async function countRequests() {
  const counts = new RequestCounts();
  counts.take(await nginx.read('/tmp/requests.log'));
  const requests = [...counts.requests()].map((one) => [`${shownHost(one.host)} ${one.class}`, one.count] as const);
  return { requests: Object.fromEntries(requests), counts };
}

it('the log contains every answer, with hosts named as in the configuration', async () => {
  for (const [host, path = '/'] of questions) await nginx.ask({ host, path });

  // Each worker writes once per second.
  await eventually(
    async () => {
      const { requests, counts } = await countRequests();
      const { '* 5xx': unknown = 0, '* 4xx': malformed = 0, ...known } = requests;
      expect(known).toEqual({
        'plain.example.org 2xx': 3,
        'second.example.org 2xx': 1,
        'second.example.org 5xx': 1,
        '*.wild.example.org 2xx': 2,
        '~shop-\\d+\\.example\\.org 2xx': 1,
        'old.example.org 3xx': 1,
        'shut.example.org 5xx': 1,
        'down.example.org 5xx': 1,
      });
      // Unknown hosts, in any spelling.
      expect(unknown + malformed).toBeGreaterThanOrEqual(2);
      // Requests that reached a service, not those that no service accepted.
      expect(counts.upstream.buckets.reduce((sum, count) => sum + count)).toBe(8);
      expect(counts.lost).toBe(0);
    },
    { timeoutMs: 20_000 },
  );
});

it('the log names route and task, and has the bytes', async () => {
  const counts = new RequestCounts();
  counts.take(await nginx.read('/tmp/requests.log'));
  const rows = counts.takeRows();

  const ofPath = rows.filter(({ host, path }) => host === 'plain.example.org' && path !== '/');
  expect(ofPath).toMatchObject([{ path: '/caf%C3%A9', address: '127.0.0.1:9001', tls: [2, 0, 0, 0] }]);
  expect(ofPath[0]!.sent).toBeGreaterThan(200);
  expect(ofPath[0]!.received).toBeGreaterThan(100);
  expect(rows.find(({ host }) => host === 'down.example.org')?.address).toMatch(/^127\.0\.0\.1:900[23]$/);
  expect(rows.find(({ host }) => host === 'shut.example.org')?.address).toBe('');
});

it('failed requests are reported with their ID, task and attempts, but without the query', async () => {
  const answer = await nginx.ask({ host: 'down.example.org', path: '/a"b\\?token=secret' });
  await eventually(
    async () => {
      const errors = new RequestErrors();
      errors.take(await nginx.read('/tmp/errors.log'));
      const found = errors.takeErrors();
      expect(JSON.stringify(found)).not.toContain('secret');
      const down = found.find(({ host, request }) => host === 'down.example.org' && request.includes('"'));
      expect(down).toMatchObject({ status: 502, route: '/', request: 'GET /a"b\\' });
      expect(answer.body).toContain(down!.id);
      expect(errorReason(down!)).toBe('The task refused the connection');
      expect(triedTask(down!)).toMatch(/^127\.0\.0\.1:900[23]$/);
      const bad = found.find(({ host }) => host === 'second.example.org')!;
      expect(errorReason(bad)).toBe('The task answered 500');
      const shut = found.find(({ host }) => host === 'shut.example.org')!;
      expect(errorReason(shut)).toBe('The route is closed, or no service answers');
    },
    { timeoutMs: 20_000 },
  );
});
