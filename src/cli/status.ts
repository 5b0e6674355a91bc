import type { ClusterView, State } from '../controller/admin/state.ts';
import { Api, apiOptions } from './api.ts';
import { columns } from './columns.ts';
import { defineCommand } from './command.ts';
import { countProblems } from './findings.ts';
import { exitCodes, type Io, paint, writeJson } from './io.ts';

export const status = defineCommand({
  name: 'status',
  usage: '',
  summary: 'Show the status of a running Signalbox: service clusters, versions and replicas.',
  details: 'Exits with 1 while the controller or a service cluster is unhealthy. Problems of a service do not count.',
  examples: [
    'signalbox status --ca ca.pem --password-file password',
    'signalbox status --url https://manager.example.org:9443 --token-file token --json',
  ],
  options: apiOptions,
  async run(values, _, io) {
    const state = await (await Api.connect(values, io)).state();
    if (values.json) writeJson(io, state);
    else io.out(describeState(state, io));
    return troubleOf(state) === undefined ? exitCodes.done : exitCodes.found;
  },
});

/** An error without a service concerns a service cluster, such as a missing proxy, or the settings. */
function troubleOf({ error, problems }: State): string | undefined {
  return error ?? problems.find(({ severity, service }) => severity === 'error' && service === undefined)?.reason;
}

function describeState(state: State, io: Io): string {
  const { observedAt, enabled, routes, problems, clusters, maintenance } = state;
  const trouble = troubleOf(state);
  const health = trouble === undefined ? paint(io, 'green', 'Healthy') : paint(io, 'red', `Unhealthy: ${trouble}`);
  const rows = [['CLUSTER', 'PORTS', 'VERSION', 'SERVED', 'REPLICAS'], ...clusters.map(clusterRow)];
  return [
    `${health}, ${observedAt === null ? 'not observed yet' : `last observed ${observedAt}`}`,
    ...(enabled ? [] : [paint(io, 'yellow', 'Layer 7 routing is disabled')]),
    `${routes.length} ${routes.length === 1 ? 'route' : 'routes'}, ${countProblems(problems) ?? 'no problems'}`,
    ...(maintenance.length === 0 ? [] : [paint(io, 'yellow', `Under maintenance: ${names(maintenance)}`)]),
    '',
    ...columns(rows),
    '',
  ].join('\n');
}

function names(maintenance: State['maintenance']): string {
  return maintenance.map(({ name }) => name).join(', ');
}

function clusterRow({ name, httpPort, httpsPort, version, served, rolling, held, replicas }: ClusterView): string[] {
  const running = replicas.filter(({ state }) => state === 'running').length;
  return [
    name,
    `${httpPort}, ${httpsPort}`,
    version ?? '-',
    `${served ?? '-'}${rolling ? ' (rolling)' : ''}${held === null ? '' : ' (held)'}`,
    `${running} of ${replicas.length}`,
  ];
}
