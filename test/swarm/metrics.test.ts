// Every replica of the proxy exposes its own metrics, to clients with the token only.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { metricsPort } from '../../src/model/names.ts';
import { bed, curl, defaultSettings, eventually, settled, state } from '../support/interlock.ts';
import { answers, applySettings, restoreSettings, Stack } from '../support/story.ts';

const stack = new Stack('metrics');
const secret = 'story-metrics-token';
const token = 'f00dcafe'.repeat(8);

beforeAll(async () => {
  // Only this test sends requests to the second host.
  await stack.deploy({ app: { host: 'metrics.local,counted.local' } });
  await applySettings(`${defaultSettings.trimEnd()}\nMetricsSecret = "${secret}"\n`);
  await settled();
  await answers('metrics.local');
});
afterAll(async () => {
  await stack[Symbol.asyncDispose]();
  await restoreSettings();
  await bed.docker('secret', 'rm', secret);
});

interface Scrape {
  readonly address: string;
  readonly status: number;
  readonly body: string;
  /** Name in the server's certificate. */
  readonly name: string;
}

/** Like a Prometheus in an application's network: all tasks of the service, by its name. */
async function scrape(authorization: string): Promise<Scrape[]> {
  const program = `
    const { request } = require('node:https');
    const ask = (host) => new Promise((resolve, reject) => {
      const headers = { authorization: '${authorization}' };
      const options = { host, port: ${metricsPort}, path: '/metrics', headers, rejectUnauthorized: false, timeout: 20000 };
      request(options, (response) => {
        const name = response.socket.getPeerCertificate().subject.CN;
        let body = '';
        response.on('data', (chunk) => { body += chunk; });
        response.on('end', () => resolve({ address: host, status: response.statusCode, body, name }));
      }).on('timeout', function () { this.destroy(new Error('timed out')); }).on('error', reject).end();
    });
    require('node:dns').promises.resolve4('tasks.signalbox-proxy')
      .then((addresses) => Promise.all(addresses.map(ask)))
      .then((answers) => console.log(JSON.stringify(answers)));`;
  const written = await bed.exec(stack.service(), 'node', '-e', program);
  return JSON.parse(written.trim().split('\n').at(-1)!);
}

/** Names of both replicas. */
async function metrics(): Promise<string[]> {
  const scrapes = await scrape(`Bearer ${token}`);
  expect(scrapes.map(({ status, name }) => `${status} ${name}`)).toEqual(
    Array.from({ length: 2 }, () => '200 default.proxy.signalbox'),
  );
  return scrapes.map(({ body }) => body);
}

function sampleIn(text: string, sample: string): number {
  const line = text.split('\n').find((line) => line.startsWith(`${sample} `));
  return line === undefined ? 0 : Number(line.slice(sample.length + 1));
}

const sumOf = (texts: readonly string[], sample: string) =>
  texts.reduce((sum, text) => sum + sampleIn(text, sample), 0);

const complaints = async () => (await state()).problems.filter(({ label }) => label?.endsWith('.MetricsSecret'));

it('does no harm while the secret is missing, and reports it', async () => {
  expect(await complaints()).toMatchObject([{ severity: 'warning', reason: 'is not a secret of this swarm' }]);
  expect((await curl('metrics.local', '/ping')).status).toBe(200);
  await expect(scrape(`Bearer ${token}`)).rejects.toThrow();
});

describe('with the secret', () => {
  beforeAll(async () => {
    const folder = await mkdtemp(join(tmpdir(), 'story-metrics-'));
    await writeFile(join(folder, 'token'), `${token}\n`);
    await bed.docker('secret', 'create', secret, join(folder, 'token'));
    await rm(folder, { recursive: true });
    await eventually(async () => expect(await complaints()).toEqual([]));
    await settled();
    await answers('metrics.local');
  });

  it('replicas count requests by host and class', async () => {
    const received: Record<string, number> = { '2xx': 0, '5xx': 0 };
    for (const path of ['/ping', '/status/503', '/status/500']) {
      for (let times = 0; times < 10; times++) {
        const { status } = await curl('counted.local', path);
        received[`${Math.floor(status / 100)}xx`]! += 1;
      }
    }
    await curl('hostile"\\host.local', '/ping').catch(() => undefined);

    const texts = await eventually(async () => {
      const texts = await metrics();
      for (const [of, count] of Object.entries(received))
        expect(sumOf(texts, `signalbox_proxy_requests_total{host="counted.local",class="${of}"}`)).toBe(count);
      return texts;
    });
    for (const count of Object.values(received)) expect(count).toBeGreaterThan(0);
    expect(sumOf(texts, 'signalbox_proxy_upstream_seconds_count')).toBeGreaterThanOrEqual(30);
    expect(sumOf(texts, 'signalbox_proxy_upstream_seconds_bucket{le="+Inf"}')).toBe(
      sumOf(texts, 'signalbox_proxy_upstream_seconds_count'),
    );
    expect(sumOf(texts, 'signalbox_proxy_lost_lines_total')).toBe(0);
    expect(texts.join('')).not.toContain('hostile');
    for (const text of texts) {
      expect(sampleIn(text, 'signalbox_proxy_nginx_accepted_total')).toBeGreaterThan(0);
      console.log(`an agent with metrics uses ${sampleIn(text, 'process_resident_memory_bytes') / 2 ** 20} MiB`);
    }
  });

  it('they expose the version that they serve, and each reload', async () => {
    const before = await metrics();

    const label = 'com.docker.lb.hosts=metrics.local,counted.local,later.local';
    await bed.docker('service', 'update', '--detach', '--quiet', '--label-add', label, stack.service());
    await answers('later.local');
    await settled();

    const [cluster] = (await state()).clusters;
    const after = await metrics();
    for (const text of after)
      expect(sampleIn(text, `signalbox_proxy_version_info{version="${cluster!.served}"}`)).toBe(1);
    for (const text of before) expect(text).not.toContain(cluster!.served);
    const reloads = (texts: string[]) => sumOf(texts, 'signalbox_proxy_reloads_total{result="done"}');
    expect(reloads(after)).toBeGreaterThanOrEqual(reloads(before) + 2);
  });

  it.each(['', 'Bearer ', 'Bearer wrong', `Bearer ${token}0`])('they reject %j', async (shown) => {
    const refusals = (await scrape(shown)).map(({ status, body }) => ({ status, body }));
    expect(refusals).toEqual(Array.from({ length: 2 }, () => ({ status: 401, body: '' })));
  });

  it('the token is in no log', async () => {
    for (const service of ['signalbox-proxy', 'signalbox-extension', 'signalbox_controller'])
      expect(await bed.logs(service, 2000)).not.toContain(token);
  });
});
