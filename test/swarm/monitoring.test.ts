// monitoring.yml with a real Prometheus: it finds the controller and all proxies, counts requests, and an alert fires. An
// application reads no metrics.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { findEngine } from '../../bed/engine.ts';
import { loadImages } from '../../bed/load-images.ts';
import { project } from '../../bed/places.ts';
import { controlNetwork, metricsPort } from '../../src/model/names.ts';
import { containersOf, placesOf, runNode } from '../support/containers.ts';
import { administer, bed, curl, eventually, removeStack, settled } from '../support/interlock.ts';
import { prometheusImage } from '../support/prometheus/image.ts';
import { answers, Stack } from '../support/story.ts';

const host = 'monitored.local';
/** Requests to it. */
const sent = 40;
const stack = new Stack('monitored');
const prometheus = 'monitoring_prometheus';
const worker = bed.node('worker1');
let token: string;

beforeAll(async () => {
  const image = await prometheusImage();
  await loadImages((await findEngine())!, [worker], [image]);
  await stack.deploy({ app: { host }, wrong: { host: 'wrong.local', labels: { 'com.docker.lb.max_fails': 'many' } } });
  await settled();
  token = await createToken();
  await store('Secret', 'signalbox-metrics-token', token);
  const identity = '/run/secrets/signalbox-controller';
  const ca = await bed.exec('signalbox_controller', 'node', '-p', `JSON.parse(fs.readFileSync("${identity}")).ca`);
  await store('Config', 'signalbox-ca', ca);
  await bed.docker('node', 'update', '--label-add', 'monitoring=true', worker.name);
  await bed.deploy('monitoring', withoutGrafana(), { PROMETHEUS_IMAGE: image });
  await answers(host);
  for (let n = 0; n < sent; n++) expect((await curl(host, '/ping')).status).toBe(200);
  await bed.settle(prometheus, 1);
}, 600_000);

afterAll(async () => {
  await removeStack('monitoring');
  await bed.docker('node', 'update', '--label-rm', 'monitoring', worker.name);
  await eventually(() => bed.docker('secret', 'rm', 'signalbox-metrics-token'));
  await eventually(() => bed.docker('config', 'rm', 'signalbox-ca'));
  await eventually(() => worker.docker.getVolume('monitoring_prometheus').remove());
  await administer('/api/tokens/monitoring', { method: 'DELETE' });
  await stack[Symbol.asyncDispose]();
}, 300_000);

async function createToken(): Promise<string> {
  const body = JSON.stringify({ name: 'monitoring', role: 'viewer' });
  const answer = await administer('/api/tokens', { method: 'POST', body });
  expect(answer.status, answer.body).toBe(200);
  return JSON.parse(answer.body).token;
}

async function store(kind: 'Secret' | 'Config', Name: string, text: string): Promise<void> {
  const spec = { Name, Data: Buffer.from(text).toString('base64') };
  await (kind === 'Secret' ? bed.manager.docker.createSecret(spec) : bed.manager.docker.createConfig(spec));
}

/** The stack of the repository. Grafana is not in Debian, so unit tests check its files. */
function withoutGrafana(): string {
  const { services, volumes, ...rest } = parse(readFileSync(join(project, 'monitoring.yml'), 'utf8'), { merge: true });
  const configs = Object.entries<{ file?: string }>(rest.configs).map(([name, { file, ...config }]) => [
    name,
    file === undefined ? config : { ...config, file: join(project, file) },
  ]);
  const { 'grafana-password': _password, ...secrets } = rest.secrets;
  return JSON.stringify({
    ...rest,
    services: { prometheus: services.prometheus },
    volumes: { prometheus: null },
    configs: Object.fromEntries(configs),
    secrets,
  });
}

interface Sample {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [time: number, value: string];
}

/** Asks Prometheus, in its own container: it publishes no port. */
async function query(expression: string): Promise<Sample[]> {
  const args = ['query', 'instant', '--format=json', 'http://127.0.0.1:9090', expression];
  const found: unknown = JSON.parse(await bed.exec(prometheus, 'promtool', ...args));
  return (Array.isArray(found) ? found : []) as Sample[];
}

const valuesOf = async (expression: string, label: string) =>
  (await query(expression)).map(({ metric, value }) => `${metric[label]} ${value[1]}`).toSorted();

/** Addresses of the running tasks of a service on a network. */
async function addressesOf(service: string, network: string = controlNetwork): Promise<string[]> {
  const containers = await containersOf(service);
  return containers.map(({ NetworkSettings }) => NetworkSettings.Networks[network]!.IPAddress);
}

/** The answer to `GET /metrics`, or why there is none. */
const scrape = (address: string, authorization = '') => `
  const say = (text) => { console.log(text); process.exit(); };
  setTimeout(say, 4000, 'nobody');
  const headers = { authorization: ${JSON.stringify(authorization)} };
  const options = { host: '${address}', port: ${metricsPort}, path: '/metrics', headers, rejectUnauthorized: false };
  require('node:https').get(options, ({ statusCode }) => say(statusCode)).on('error', ({ code }) => say(code));`;

describe('the metrics', () => {
  it('can be read on the control network: those of proxies by all, those of the controller with a token', async () => {
    const [proxy] = await addressesOf('signalbox-proxy');
    const [controller] = await addressesOf('signalbox_controller');

    expect(await runNode('signalbox-extension', scrape(proxy!))).toBe('200');
    expect(await runNode('signalbox-extension', scrape(controller!))).toBe('401');
    expect(await runNode('signalbox-extension', scrape(controller!, `Bearer ${token}x`))).toBe('401');
    expect(await runNode('signalbox-extension', scrape(controller!, `Bearer ${token}`))).toBe('200');
  });

  it('are not served on the networks of applications', async () => {
    const addresses = await addressesOf('signalbox-proxy', 'monitored_app');

    expect(addresses).toHaveLength(2);
    for (const address of addresses) expect(await runNode(stack.service(), scrape(address))).toBe('ECONNREFUSED');
  });

  it('are not served to an application that sends to the control network through a proxy', async () => {
    const [place] = await placesOf(stack.service());
    const [through] = await addressesOf('signalbox-proxy', 'monitored_app');
    const [to] = await addressesOf('signalbox-proxy');
    const { State } = await place!.node.docker.getContainer(place!.id).inspect();
    const route = (verb: string) =>
      place!.node.exec('nsenter', '-t', String(State.Pid), '-n', 'ip', 'route', verb, `${to}/32`, 'via', through!);

    expect(await runNode(stack.service(), scrape(to!))).not.toBe('200');
    // Linux accepts packets for any of its addresses on any interface, so the connection is opened.
    expect(await route('add')).toBe(0);
    try {
      expect(await runNode(stack.service(), scrape(to!))).toBe('ECONNRESET');
    } finally {
      await route('del');
    }
  });
});

describe('Prometheus', () => {
  it('accepts its files, with the token and the CA', async () => {
    const checked = await bed.exec(prometheus, 'promtool', 'check', 'config', '/etc/prometheus/prometheus.yml');

    expect(checked).toContain('SUCCESS');
  });

  it('finds the controller and all proxies', async () => {
    await eventually(async () =>
      expect(await valuesOf('up', 'job')).toEqual(['signalbox-controller 1', 'signalbox-proxy 1', 'signalbox-proxy 1']),
    );
    const addresses = [await addressesOf('signalbox-proxy'), await addressesOf('signalbox_controller')];
    const found = (await query('up')).map(({ metric }) => metric.instance);
    expect(found.toSorted()).toEqual(
      addresses
        .flat()
        .map((address) => `${address}:${metricsPort}`)
        .toSorted(),
    );
  });

  it('counts the requests of all proxies', async () => {
    await eventually(async () => {
      const [total] = await query(`sum by (cluster) (signalbox_proxy_requests_total{host="${host}",class="2xx"})`);
      expect(total?.metric).toEqual({ cluster: 'default' });
      expect(Number(total?.value[1])).toBeGreaterThanOrEqual(sent);
    });
  });

  it('reports a problem of a service as an alert', async () => {
    await eventually(async () => {
      const [alert] = await query('ALERTS{alertname="SignalboxProblems"}');
      // It fires after five minutes.
      expect(alert?.metric).toMatchObject({ alertstate: 'pending', severity: 'warning' });
    });
    expect(await valuesOf('ALERTS{alertstate="firing"}', 'alertname')).toEqual([]);
  });
});
