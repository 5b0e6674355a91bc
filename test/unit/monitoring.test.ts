// monitoring.yml and its files use what Signalbox exports and documents. test/nginx/alerts.test.ts runs promtool.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { project } from '../../bed/places.ts';
import { createMetrics } from '../../src/controller/admin/metrics.ts';
import { StatusBoard } from '../../src/controller/reconcile/status.ts';
import { createLogger } from '../../src/lib/logger.ts';
import { controlNetwork, metricsPort } from '../../src/model/names.ts';
import { metricsName, proxyName } from '../../src/protocol/names.ts';
import { proxyMetrics } from '../../src/proxy/metrics/proxy-metrics.ts';
import { RequestCounts } from '../../src/proxy/metrics/request-counts.ts';
import { brokenLinks } from '../support/documents.ts';

const read = (path: string) => readFileSync(join(project, path), 'utf8');

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

const rules: readonly Rule[] = parse(read('monitoring/alerts.yml')).groups.flatMap(
  ({ rules }: { rules: readonly Rule[] }) => rules,
);
const prometheus = parse(read('monitoring/prometheus.yml'));
const stack = parse(read('monitoring.yml'), { merge: true });

/** Metrics of controller and proxies, with the series of histograms. */
async function exported(): Promise<Set<string>> {
  const registry = createMetrics(new StatusBoard(createLogger('test', 'silent')), new Map());
  const ofController = (await registry.getMetricsAsJSON()).map(({ name, type }) => ({ name, type: String(type) }));
  const text = proxyMetrics({
    version: 'a',
    reloads: { done: 0, refused: 0 },
    requests: new RequestCounts(),
    connections: { accepted: 0, handled: 0, open: { reading: 0, writing: 0, waiting: 0 } },
  });
  const ofProxies = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => ({
    name: name!,
    type: type!,
  }));
  const series = ({ name, type }: { name: string; type: string }) =>
    type === 'histogram' ? ['bucket', 'sum', 'count'].map((part) => `${name}_${part}`) : [name];
  return new Set([...ofController, ...ofProxies].flatMap(series));
}

const namesIn = (expression: string) => expression.match(/\b(?:signalbox|process|nodejs)_\w+/g) ?? [];

function expressionsIn(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    ['expr', 'query', 'definition'].includes(key) && typeof inner === 'string' ? [inner] : expressionsIn(inner),
  );
}

describe('the metrics that are used', () => {
  it('by alerts are exported', async () => {
    const known = await exported();
    const used = rules.flatMap(({ expr }) => namesIn(expr));

    expect(used.length).toBeGreaterThan(rules.length);
    expect(used.filter((name) => !known.has(name))).toEqual([]);
  });

  it('by the dashboard are exported', async () => {
    const known = await exported();
    const used = expressionsIn(JSON.parse(read('monitoring/dashboard.json'))).flatMap(namesIn);

    expect(used.length).toBeGreaterThan(20);
    expect(used.filter((name) => !known.has(name))).toEqual([]);
  });

  it('are documented', async () => {
    const documented = read('docs/metrics.md');
    const used = [...rules.map(({ expr }) => expr), ...expressionsIn(JSON.parse(read('monitoring/dashboard.json')))];
    const names = used.flatMap(namesIn).map((name) => name.replace(/_(?:bucket|sum|count)$/, ''));

    expect(names.filter((name) => name.startsWith('signalbox_') && !documented.includes(`\`${name}\``))).toEqual([]);
  });
});

describe('alerts', () => {
  it('have names of their own', () => {
    const names = rules.map(({ alert }) => alert);

    expect(new Set(names).size).toBe(names.length);
    for (const name of names) expect(name).toMatch(/^Signalbox[A-Z]\w+$/);
  });

  it.each(rules)('$alert has a severity, a summary and a runbook', ({ labels, annotations }) => {
    expect(Object.keys(labels)).toEqual(['severity']);
    expect(['critical', 'warning', 'info']).toContain(labels.severity);
    expect(annotations.summary).toMatch(/\.$/);
    expect(annotations.runbook_url).toMatch(/^docs\/[\w/-]+\.md#[\w-]+$/);
    expect(brokenLinks('README.md', `[runbook](${annotations.runbook_url})`)).toEqual([]);
  });
});

describe('prometheus.yml', () => {
  const jobs: readonly {
    readonly job_name: string;
    readonly scheme: string;
    readonly tls_config: { readonly ca_file: string; readonly server_name: string };
    readonly authorization?: { readonly credentials_file: string };
    readonly dns_sd_configs: readonly { readonly names: readonly string[]; readonly port: number }[];
  }[] = prometheus.scrape_configs;

  it('finds controller and proxies through DNS on the control network, and verifies both', () => {
    expect(
      jobs.map(({ scheme, tls_config: { server_name: name }, dns_sd_configs: found }) => ({ scheme, name, found })),
    ).toMatchObject([
      { scheme: 'https', name: metricsName, found: [{ names: [`tasks.signalbox_controller.${controlNetwork}`] }] },
      { scheme: 'https', name: proxyName('default'), found: [{ names: [`tasks.signalbox-proxy.${controlNetwork}`] }] },
    ]);
    for (const { dns_sd_configs: found } of jobs) expect(found.map(({ port }) => port)).toEqual([metricsPort]);
    expect(JSON.stringify(prometheus)).not.toContain('insecure_skip_verify');
    expect(JSON.stringify(prometheus)).not.toContain('docker.sock');
  });

  it('reads only files that monitoring.yml mounts', () => {
    const { configs, secrets } = stack.services.prometheus;
    const mounted = [
      ...configs.map(({ target }: { target: string }) => target),
      ...secrets.map(({ target }: { target: string }) => `/run/secrets/${target}`),
    ];
    const used = [
      ...prometheus.rule_files,
      ...jobs.flatMap(({ tls_config: tls, authorization }) =>
        [tls.ca_file, authorization?.credentials_file ?? []].flat(),
      ),
    ];

    expect(used.length).toBeGreaterThan(2);
    expect(used.filter((path) => !mounted.includes(path))).toEqual([]);
  });
});

describe('monitoring.yml', () => {
  it('has images of one version, and files that exist', () => {
    for (const { image } of Object.values<{ image: string }>(stack.services))
      expect(image).toMatch(/:v?\d+\.\d+\.\d+\}$/);
    for (const { file, external } of Object.values<{ file?: string; external?: boolean }>(stack.configs))
      expect(external === true || existsSync(join(project, file!)), file).toBe(true);
  });

  it('publishes Grafana only, which is not on the control network', () => {
    const { prometheus, grafana } = stack.services;

    expect(prometheus.ports).toBeUndefined();
    expect(prometheus.networks).toEqual([controlNetwork, 'monitoring']);
    expect(grafana.networks).toEqual(['monitoring']);
    expect(grafana.ports).toHaveLength(1);
  });

  it('has no access to Docker, no capabilities, and no default password', () => {
    const text = read('monitoring.yml').replaceAll(/#.*/g, '');

    expect(text).not.toContain('docker.sock');
    for (const { cap_drop: dropped } of Object.values<{ cap_drop: string[] }>(stack.services))
      expect(dropped).toEqual(['ALL']);
    expect(stack.services.grafana.environment.GF_SECURITY_ADMIN_PASSWORD__FILE).toMatch(/^\/run\/secrets\//);
  });

  it('has the data source that the dashboard uses', () => {
    const [source] = parse(read('monitoring/grafana-datasource.yml')).datasources;
    const used = read('monitoring/dashboard.json').match(/"type": "prometheus",\s+"uid": "[^"]+"/g) ?? [];

    expect(source.url).toBe('http://prometheus:9090');
    expect(used.length).toBeGreaterThan(20);
    for (const reference of used) expect(reference).toContain(`"uid": "${source.uid}"`);
  });
});
