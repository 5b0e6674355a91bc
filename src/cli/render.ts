import { lintStack } from '../compose/lint.ts';
import type { ClusterState } from '../model/cluster-state.ts';
import { buildDesiredState } from '../model/desired-state.ts';
import { toRenderInput } from '../model/render-input.ts';
import { compileNginx } from '../render/nginx.ts';
import { readTemplates } from '../template-folder/read-templates.ts';
import { defineCommand } from './command.ts';
import { composeOptions, loadCompose } from './compose-files.ts';
import { describe, hasErrors } from './findings.ts';
import { exitCodes, UsageError, writeJson } from './io.ts';

const templates = new URL('../../templates', import.meta.url).pathname;

export const render = defineCommand({
  name: 'render',
  usage: '<compose.yml…>',
  summary: 'Print the nginx configuration that compose files result in.',
  details: `Assumes that there are no other services, and one node (192.0.2.1). Problems are printed to standard error.`,
  examples: ['signalbox render stack.yml', 'signalbox render stack.yml --settings config.toml --cluster east'],
  options: {
    cluster: {
      type: 'string',
      value: 'name',
      description: 'Only this service cluster. Default: all that have a route.',
    },
    ...composeOptions,
  },
  async run(values, files, io) {
    const loaded = await loadCompose(files, values, io);
    const findings = lintStack(loaded, files);
    const nginx = compileNginx(readTemplates(templates));
    const chosen = chooseClusters(buildDesiredState(loaded.snapshot, loaded.settings).clusters, values.cluster);
    const rendered = chosen.map((state) => ({ cluster: state.cluster.name, ...nginx(toRenderInput(state)) }));
    if (values.json) writeJson(io, rendered);
    else io.out(rendered.flatMap((cluster) => cluster.files.map(({ text }) => text)).join('\n'));
    for (const finding of findings) io.err(`${describe(finding, { color: false })}\n`);
    return hasErrors(findings) ? exitCodes.found : exitCodes.done;
  },
});

/** The named cluster. Without a name, all clusters with routes, or the first one if none has any. */
export function chooseClusters(clusters: readonly ClusterState[], name: string | undefined): readonly ClusterState[] {
  if (name === undefined) {
    const busy = clusters.filter(({ routes }) => routes.length > 0);
    return busy.length > 0 ? busy : clusters.slice(0, 1);
  }
  const named = clusters.filter(({ cluster }) => cluster.name === name);
  if (named.length > 0) return named;
  throw new UsageError(
    `Unknown service cluster ${name}. Choose one of: ${clusters.map(({ cluster }) => cluster.name).join(', ')}.`,
  );
}
