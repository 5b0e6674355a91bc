import type { KeptVersion } from '../controller/admin/requests.ts';
import type { ClusterView } from '../controller/admin/state.ts';
import { Api, apiOptions } from './api.ts';
import { columns } from './columns.ts';
import { defineCommand } from './command.ts';
import { exitCodes, UsageError, writeJson } from './io.ts';

export const versionsPath = (cluster: string): string => `/api/clusters/${encodeURIComponent(cluster)}/versions`;

export const versions = defineCommand({
  name: 'versions',
  usage: '[cluster]',
  summary: 'List the stored configuration versions of a service cluster, newest first.',
  details: '',
  examples: ['signalbox versions', 'signalbox versions east --json'],
  options: apiOptions,
  async run(values, [cluster = 'default'], io) {
    const api = await Api.connect(values, io);
    const { clusters } = await api.state();
    const kept = (await api.call('GET', versionsPath(cluster))) as KeptVersion[];
    if (values.json) writeJson(io, kept);
    else {
      const view = clusters.find(({ name }) => name === cluster);
      const rows = kept.map(({ version, createdAt }) => [version, createdAt, marks(version, view)]);
      io.out(`${columns([['VERSION', 'RENDERED', ''], ...rows]).join('\n')}\n`);
    }
    return exitCodes.done;
  },
});

function marks(version: string, view: ClusterView | undefined): string {
  return [view?.served === version ? 'served' : '', view?.held === version ? 'held' : ''].filter(Boolean).join(', ');
}

export const rollback = defineCommand({
  name: 'rollback',
  usage: '<cluster> <version>',
  summary: 'Roll a service cluster back to a stored version and hold it: later changes wait.',
  details: 'Run "versions" to list the versions, "release" to end the hold.',
  examples: ['signalbox rollback default 71c2a0f1d1c0a4be'],
  options: apiOptions,
  async run(values, [cluster, version], io) {
    if (cluster === undefined || version === undefined)
      throw new UsageError('Missing arguments: service cluster and version.');
    const api = await Api.connect(values, io);
    await api.call('PUT', `${versionsPath(cluster)}/${encodeURIComponent(version)}/hold`);
    if (values.json) writeJson(io, { cluster, held: version });
    else io.out(`${cluster} is held at version ${version}\n`);
    return exitCodes.done;
  },
});

export const release = defineCommand({
  name: 'release',
  usage: '<cluster>',
  summary: 'Release a service cluster that is held at a version: changes made since then go live.',
  details: '',
  examples: ['signalbox release default'],
  options: apiOptions,
  async run(values, [cluster], io) {
    if (cluster === undefined) throw new UsageError('Missing argument: service cluster.');
    const api = await Api.connect(values, io);
    await api.call('DELETE', `/api/clusters/${encodeURIComponent(cluster)}/hold`);
    if (values.json) writeJson(io, { cluster, held: null });
    else io.out(`${cluster} is released\n`);
    return exitCodes.done;
  },
});
