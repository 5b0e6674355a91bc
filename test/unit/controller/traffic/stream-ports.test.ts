// Connections to TCP and UDP ports in the traffic of the controller.
import { expect, it } from 'vitest';
import { TrafficRecorder } from '../../../../src/controller/traffic/traffic-recorder.ts';
import { viewTraffic } from '../../../../src/controller/traffic/view.ts';
import { buildDesiredState } from '../../../../src/model/desired-state.ts';
import { parseSettings } from '../../../../src/model/settings/settings.ts';
import { aNetwork, aService } from '../../../support/builders.ts';
import { aReport, aRow, knownTasks } from '../../../support/reported-traffic.ts';

const now = () => Date.parse('2026-01-01T12:00:00Z');
const label = (name: string) => `com.docker.lb.${name}`;
const stream = (name: string, values: Readonly<Record<string, string>>) =>
  aService(name, {
    labels: Object.fromEntries(Object.entries({ hosts: '', ...values }).map(([key, value]) => [label(key), value])),
  });
const services = [
  aService('web', { host: 'app.example.org' }),
  stream('db', { tcp_port: '5432' }),
  stream('a', { tcp_port: '6379', ssl_passthrough: 'true', hosts: 'a.test' }),
  stream('b', { tcp_port: '6379', ssl_passthrough: 'true', hosts: 'b.test' }),
  stream('dns', { udp_port: '53' }),
];
const { settings } = parseSettings({ Extensions: { default: { TcpPorts: [5432, 6379], UdpPorts: [53] } } }, '1');
const nothing = { nodes: [], hostTasks: [], configs: [], secrets: [], owned: [] };
const [state] = buildDesiredState({ services, networks: [aNetwork('app')], ...nothing }, settings).clusters;

it('has connections by port, service and task, apart from the requests of the cluster', async () => {
  const recorder = new TrafficRecorder({ table: () => state!.table, ports: () => state!.streamTable.ports, now });
  recorder.record(
    'default',
    aReport([
      aRow('app.example.org', { ok: 5 }),
      aRow('tcp/5432', { path: 'db', ok: 3, failed: 1 }),
      aRow('tcp/6379', { path: 'a', ok: 2 }),
      aRow('tcp/6379', { path: 'b', ok: 1, address: '10.0.1.6:6379' }),
      aRow('udp/53', { path: 'dns', ok: 7 }),
      aRow('tcp/9999', { path: 'unknown', ok: 100 }),
    ]),
  );
  const view = async (host?: string) =>
    (await viewTraffic({ recorder, tasksOf: async () => knownTasks, now }, { range: '5m', ...(host && { host }) }))!;

  const all = await view();
  // A port that the cluster does not have is counted with unknown hosts.
  expect(all.totals.requests).toBe(105);
  const parts = all.parts.filter(({ kind }) => kind === 'host');
  expect(Object.fromEntries(parts.map(({ host, totals }) => [host, totals.requests]))).toEqual({
    ...{ 'app.example.org': 5, 'tcp/5432': 4, 'tcp/6379': 3, 'udp/53': 7, '(other)': 100 },
  });
  const own = (await view('tcp/6379')).parts.map(({ kind, path, task, totals }) => [
    kind,
    path ?? task,
    totals.requests,
  ]);
  expect(own).toEqual([
    ['route', 'a', 2],
    ['task', 'taska00000000000000000000', 2],
    ['route', 'b', 1],
    ['task', 'taskb00000000000000000000', 1],
  ]);
  expect((await view('tcp/5432')).parts.map(({ kind }) => kind)).toEqual(['task']);
});
