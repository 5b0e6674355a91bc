import type { KeptVersion, VersionChangesView } from '../controller/admin/requests.ts';
import type { ClusterView } from '../controller/admin/state.ts';
import { Api, ApiError, apiOptions } from './api.ts';
import { columns } from './columns.ts';
import { defineCommand } from './command.ts';
import { exitCodes, type Io, UsageError, writeJson } from './io.ts';

export const versionsPath = (cluster: string): string => `/api/clusters/${encodeURIComponent(cluster)}/versions`;

export const versions = defineCommand({
  name: 'versions',
  usage: '[cluster]',
  summary: 'List the stored configuration versions of a service cluster, newest first, and what each changed.',
  details: 'A change is compared with the version before: + added, − removed, ~ changed.',
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
      const [head, ...lines] = columns([['VERSION', 'RENDERED', ''], ...rows]);
      io.out(
        `${[head, ...lines.flatMap((line, position) => [line, ...describeVersion(kept[position]!)])].join('\n')}\n`,
      );
    }
    return exitCodes.done;
  },
});

function marks(version: string, view: ClusterView | undefined): string {
  return [view?.served === version ? 'served' : '', view?.held === version ? 'held' : ''].filter(Boolean).join(', ');
}

/** Changed routes that are listed for a version. */
const SHOWN_LINES = 5;

/** Controllers of earlier releases do not know changes. */
function describeVersion({ cause, changes }: Partial<KeptVersion>): string[] {
  const lines = changes?.lines.slice(0, SHOWN_LINES) ?? [];
  const more = (changes?.total.lines ?? 0) - lines.length;
  return [...(cause ? [cause] : []), ...lines, ...(more > 0 ? [`and ${more} more`] : [])].map((line) => `  ${line}`);
}

export const rollback = defineCommand({
  name: 'rollback',
  usage: '<cluster> <version>',
  summary: 'Roll a service cluster back to a stored version and hold it: later changes wait.',
  details:
    'Lists the hosts that appear and disappear, and asks for confirmation on a terminal. Run "versions" to list the versions, "release" to end the hold.',
  examples: ['signalbox rollback default 71c2a0f1d1c0a4be', 'signalbox rollback default 71c2a0f1d1c0a4be --dry-run'],
  options: {
    'dry-run': { type: 'boolean', description: 'Show what would change, and change nothing.' },
    yes: { type: 'boolean', description: 'Do not ask for confirmation.' },
    ...apiOptions,
  },
  async run(values, [cluster, version], io) {
    if (cluster === undefined || version === undefined)
      throw new UsageError('Missing arguments: service cluster and version.');
    const api = await Api.connect(values, io);
    const path = `${versionsPath(cluster)}/${encodeURIComponent(version)}`;
    const changes = await readChanges(api, path);
    if (!values.json && changes !== undefined) io.out(describeRollback(changes));
    if (values['dry-run']) {
      if (values.json) writeJson(io, { cluster, changes: changes ?? null });
      return exitCodes.done;
    }
    if (!values.yes && !(await isConfirmed(cluster, version, io))) {
      io.err('signalbox: Nothing was changed.\n');
      return exitCodes.found;
    }
    await api.call('PUT', `${path}/hold`);
    if (values.json) writeJson(io, { cluster, held: version, changes: changes ?? null });
    else io.out(`${cluster} is held at version ${version}\n`);
    return exitCodes.done;
  },
});

/** Undefined from controllers of earlier releases, which do not know the path. */
async function readChanges(api: Api, path: string): Promise<VersionChangesView | undefined> {
  try {
    return (await api.call('GET', `${path}/changes`)) as VersionChangesView;
  } catch (error) {
    if (error instanceof ApiError && error.refused) return undefined;
    throw error;
  }
}

function describeRollback({ appear, disappear, lines, total }: VersionChangesView): string {
  const list = (title: string, names: readonly string[], count: number) =>
    count === 0
      ? []
      : [`${title}: ${names.join(', ')}${count > names.length ? ` and ${count - names.length} more` : ''}`];
  const changed = lines.filter((line) => line.startsWith('~'));
  const all = [
    ...list('Hosts that appear', appear, total.appear),
    ...list('Hosts that disappear', disappear, total.disappear),
    ...changed,
  ];
  return all.length === 0 ? 'No route changes.\n' : `${all.join('\n')}\n`;
}

async function isConfirmed(cluster: string, version: string, { ask }: Io): Promise<boolean> {
  if (ask === undefined) return true;
  return /^y(es)?$/i.test((await ask(`Roll ${cluster} back to ${version} and hold it? [y/N] `)).trim());
}

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
