// The files of monitoring.yml, checked by promtool of Debian's package: syntax, and when each alert fires.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { findEngine } from '../../bed/engine.ts';
import { ownerFlags } from '../../bed/owner.ts';
import { project } from '../../bed/places.ts';
import { run } from '../../bed/shell.ts';
import { prometheusImage } from '../support/prometheus/image.ts';

const read = (name: string) => readFileSync(join(project, 'monitoring', name), 'utf8');
const alerts = read('alerts.yml');

interface Rule {
  readonly alert: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}
const rules: readonly Rule[] = parse(alerts).groups[0].rules;

let image: string;

beforeAll(async () => {
  image = await prometheusImage();
}, 600_000);

/** Runs promtool in a folder with these files. */
async function promtool(files: Readonly<Record<string, string>>, ...args: readonly string[]): Promise<string> {
  const { cli } = (await findEngine())!;
  const script = `process() { while read -r name; do read -r text; printf %s "$text" | base64 -d >"$name"; done; }
    cd /tmp && process && exec promtool "$@"`;
  const flags = [...ownerFlags(), '--rm', '--interactive', '--network', 'none', '--entrypoint', 'bash'];
  const input = Object.entries(files)
    .map(([name, text]) => `${name}\n${Buffer.from(text).toString('base64')}\n`)
    .join('');
  return run(cli, ['run', ...flags, image, '-c', script, 'promtool', ...args], { input });
}

it('promtool accepts the configuration and the rules', async () => {
  const config = read('prometheus.yml').replaceAll(/\/etc\/prometheus\/|\/run\/secrets\//g, '/tmp/');
  const files = {
    'prometheus.yml': config,
    'alerts.yml': alerts,
    'signalbox-ca.pem': '',
    'signalbox-metrics-token': 'a',
  };

  expect(await promtool(files, 'check', 'config', 'prometheus.yml')).toContain('SUCCESS');
  expect(await promtool(files, 'check', 'rules', 'alerts.yml')).toContain(`${rules.length} rules found`);
  await expect(
    promtool({ ...files, 'alerts.yml': alerts.replace('absent(', 'absent((') }, 'check', 'rules', 'alerts.yml'),
  ).rejects.toThrow('FAILED');
});

/** Series in promtool's notation: the first value, its change per minute, and the number of changes. */
type Series = Readonly<Record<string, string>>;

const controller = 'job="signalbox-controller",instance="10.0.1.2:9146"';
const proxy = (n: number) => `job="signalbox-proxy",cluster="default",instance="10.0.1.${n}:9146"`;

/** A swarm in which nothing is wrong. */
const healthy: Series = {
  [`up{${controller}}`]: '1x200',
  [`up{${proxy(3)}}`]: '1x200',
  [`up{${proxy(4)}}`]: '1x200',
  [`signalbox_passes_total{${controller},result="succeeded"}`]: '0+5x200',
  [`signalbox_passes_total{${controller},result="failed"}`]: '3x200',
  [`signalbox_desired_replicas{${controller},cluster="default"}`]: '2x200',
  [`signalbox_replicas{${controller},cluster="default",version="a",desired="true"}`]: '2x200',
  [`signalbox_problems{${controller},severity="error"}`]: '0x200',
  [`signalbox_problems{${controller},severity="warning"}`]: '3x200',
  [`signalbox_services{${controller},tasks="none"}`]: '0x200',
  [`signalbox_propagation_seconds_bucket{${controller},cluster="default",le="1"}`]: '0+1x200',
  [`signalbox_propagation_seconds_bucket{${controller},cluster="default",le="60"}`]: '0+1x200',
  [`signalbox_propagation_seconds_bucket{${controller},cluster="default",le="+Inf"}`]: '0+1x200',
  [`signalbox_certificate_not_after_seconds{${controller},host="app.test",issuer="le"}`]: '2592000x200',
  // One that has not been issued yet.
  [`signalbox_certificate_not_after_seconds{${controller},host="new.test",issuer="le"}`]: '0x200',
  [`signalbox_acme_orders_total{${controller},issuer="le",result="issued"}`]: '0+1x200',
  [`signalbox_proxy_requests_total{${proxy(3)},host="app.test",class="2xx"}`]: '0+600x200',
  [`signalbox_proxy_requests_total{${proxy(3)},host="app.test",class="5xx"}`]: '0+6x200',
  // Unknown hosts answer 503, and a host with few requests fails once.
  [`signalbox_proxy_requests_total{${proxy(3)},host="*",class="5xx"}`]: '0+600x200',
  [`signalbox_proxy_requests_total{${proxy(3)},host="quiet.test",class="5xx"}`]: '0x20 1x180',
  [`signalbox_proxy_nginx_accepted_total{${proxy(3)}}`]: '0+60x200',
  [`signalbox_proxy_nginx_handled_total{${proxy(3)}}`]: '0+60x200',
  [`signalbox_proxy_reloads_total{${proxy(3)},result="refused"}`]: '1x200',
  [`signalbox_proxy_lost_lines_total{${proxy(3)}}`]: '0x200',
};

interface Case {
  /** Series that replace those of the healthy swarm. */
  readonly series: Series;
  /** Series that are absent. */
  readonly without?: RegExp;
  readonly at: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly summary?: string;
}

const of = { cluster: 'default' };

/** What makes each alert fire. */
const cases: Readonly<Record<string, Case>> = {
  SignalboxControllerDown: {
    series: { [`up{${controller}}`]: '1x5 0x20' },
    at: '9m',
  },
  SignalboxPassesFail: {
    series: {
      [`signalbox_passes_total{${controller},result="succeeded"}`]: '9x200',
      [`signalbox_passes_total{${controller},result="failed"}`]: '0+2x200',
    },
    at: '12m',
  },
  SignalboxNoProxy: { series: {}, without: /^up\{job="signalbox-proxy"/, at: '3m' },
  SignalboxProxiesMissing: {
    series: { [`signalbox_replicas{${controller},cluster="default",version="a",desired="true"}`]: '1x200' },
    at: '6m',
    labels: of,
    summary: '1 proxies of the cluster default do not run.',
  },
  SignalboxProxyNotScraped: {
    series: { [`up{${proxy(4)}}`]: '0x200' },
    at: '6m',
    labels: { ...of, job: 'signalbox-proxy', instance: '10.0.1.4:9146' },
    summary: 'The proxy 10.0.1.4:9146 does not expose its metrics.',
  },
  SignalboxVersionLate: {
    series: {
      [`signalbox_replicas{${controller},cluster="default",version="a",desired="true"}`]: '1x200',
      [`signalbox_replicas{${controller},cluster="default",version="b",desired="false"}`]: '1x200',
    },
    at: '11m',
    labels: of,
    summary: '1 proxies of the cluster default do not serve the desired version.',
  },
  SignalboxVersionRejected: {
    series: { [`signalbox_proxy_reloads_total{${proxy(3)},result="refused"}`]: '1x5 2x200' },
    at: '7m',
    labels: of,
    summary: 'Proxies of the cluster default rejected a version. They keep serving the previous one.',
  },
  SignalboxProblems: {
    series: { [`signalbox_problems{${controller},severity="error"}`]: '2x200' },
    at: '6m',
    summary: '2 problems keep routes from working as their labels say.',
  },
  SignalboxServicesDown: {
    series: { [`signalbox_services{${controller},tasks="none"}`]: '1x200' },
    at: '6m',
    summary: '1 services with routes have no task that answers.',
  },
  SignalboxTasksUnreachable: {
    series: { [`signalbox_service_unreachable_tasks{${controller},service="shop_app",reason="refused"}`]: '2x200' },
    at: '6m',
    labels: { service: 'shop_app', reason: 'refused' },
    summary: 'The proxies cannot connect to 2 tasks of shop_app: refused.',
  },
  SignalboxServerErrors: {
    series: { [`signalbox_proxy_requests_total{${proxy(4)},host="app.test",class="5xx"}`]: '0+194x200' },
    at: '12m',
    labels: { ...of, host: 'app.test' },
    summary: '25% of the requests to app.test fail with 5xx.',
  },
  SignalboxConnectionsDropped: {
    series: { [`signalbox_proxy_nginx_handled_total{${proxy(3)}}`]: '0+50x200' },
    at: '6m',
    labels: of,
    summary: 'Proxies of the cluster default drop connections, because MaxConnections is reached.',
  },
  SignalboxRequestsNotCounted: {
    series: { [`signalbox_proxy_lost_lines_total{${proxy(3)}}`]: '0x5 100x200' },
    at: '7m',
    labels: of,
    summary: 'Proxies of the cluster default serve more requests than they can count.',
  },
  SignalboxChangesSlow: {
    series: { [`signalbox_propagation_seconds_bucket{${controller},cluster="default",le="1"}`]: '0x200' },
    at: '30m',
    labels: of,
    summary: 'Changes take 54.1s until the cluster default serves them.',
  },
  SignalboxCertificateExpires: {
    series: { [`signalbox_certificate_not_after_seconds{${controller},host="app.test",issuer="le"}`]: '90000x200' },
    at: '65m',
    labels: { host: 'app.test', issuer: 'le' },
    summary: 'The certificate of app.test expires in 23h 55m 0s.',
  },
  SignalboxOrdersFail: {
    series: { [`signalbox_acme_orders_total{${controller},issuer="le",result="refused"}`]: '_x5 1x200' },
    at: '10m',
    labels: { issuer: 'le' },
    summary: 'le does not issue certificates.',
  },
};

function testOf({ alert, labels, annotations }: Rule): unknown {
  const { series, without, at, labels: more = {}, summary = annotations.summary! } = cases[alert]!;
  const kept = Object.entries({ ...healthy, ...series }).filter(([name]) => !without?.test(name));
  const expected = { exp_labels: { ...labels, ...more }, exp_annotations: { ...annotations, summary } };
  return {
    name: alert,
    interval: '1m',
    input_series: kept.map(([series, values]) => ({ series, values })),
    alert_rule_test: [{ eval_time: at, alertname: alert, exp_alerts: [expected] }],
  };
}

const nothingFires = {
  name: 'healthy',
  interval: '1m',
  input_series: Object.entries(healthy).map(([series, values]) => ({ series, values })),
  alert_rule_test: rules.flatMap(({ alert }) =>
    ['15m', '30m', '90m', '3h'].map((at) => ({ eval_time: at, alertname: alert, exp_alerts: [] })),
  ),
};

const testRules = (tests: readonly unknown[]) =>
  promtool(
    { 'alerts.yml': alerts, 'test.yml': stringify({ rule_files: ['alerts.yml'], evaluation_interval: '1m', tests }) },
    'test',
    'rules',
    'test.yml',
  );

describe('alerts', () => {
  it('do not fire while nothing is wrong', async () => {
    expect(await testRules([nothingFires])).toContain('SUCCESS');
  });

  it('each fire for their reason', async () => {
    expect(Object.keys(cases)).toEqual(rules.map(({ alert }) => alert));
    expect(await testRules(rules.map(testOf))).toContain('SUCCESS');
  });
});
