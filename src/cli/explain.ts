import type { ClusterState } from '../model/cluster-state.ts';
import { buildDesiredState } from '../model/desired-state.ts';
import type { Answer, ExplainedRoute, Explanation } from '../model/explain/explanation.ts';
import { explainUrl } from '../model/explain.ts';
import { defineCommand } from './command.ts';
import { composeOptions, loadCompose } from './compose-files.ts';
import { exitCodes, type Io, paint, UsageError, writeJson } from './io.ts';
import { chooseClusters } from './render.ts';

export const explain = defineCommand({
  name: 'explain',
  usage: '<compose.yml…> <URL>',
  summary: 'Explain which route of compose files answers a URL, and why the others do not.',
  details: 'Exits with 1 if no service answers.',
  examples: ['signalbox explain stack.yml https://app.example.org/api'],
  options: {
    cluster: {
      type: 'string',
      value: 'name',
      description: 'Only this service cluster. Default: all that have a route.',
    },
    ...composeOptions,
  },
  async run(values, positionals, io) {
    const url = positionals.at(-1);
    if (url === undefined || positionals.length < 2) throw new UsageError('Missing arguments: URL and compose file.');
    const loaded = await loadCompose(positionals.slice(0, -1), values, io);
    const clusters = chooseClusters(buildDesiredState(loaded.snapshot, loaded.settings).clusters, values.cluster);
    const explanations = clusters.map((state) => ({ cluster: state.cluster.name, ...explainIn(state, url) }));
    if (values.json) writeJson(io, explanations);
    else for (const { cluster, ...explanation } of explanations) io.out(describeExplanation(explanation, cluster, io));
    return explanations.some(({ answer }) => isAnswered(answer)) ? exitCodes.done : exitCodes.found;
  },
});

function explainIn({ cluster, table, rejectedClaims }: ClusterState, url: string): Explanation {
  const explanation = explainUrl(
    table,
    url,
    cluster.settings.PublicSSLPort ?? cluster.settings.PublishedSSLPort,
    rejectedClaims,
  );
  if (explanation === undefined) throw new UsageError(`${url} is not a URL such as http://app.example.org/path.`);
  return explanation;
}

function isAnswered({ kind }: Answer): boolean {
  return kind === 'service' || kind === 'redirect';
}

export function describeExplanation(
  { url, answer, because, passedOver, fromSettings }: Explanation,
  cluster: string,
  io: Io,
): string {
  const owners = new Set(fromSettings.map(({ service }) => service));
  const others = passedOver.map(({ route, reason }) => `  - ${describeRoute(route)}\n      ${reason}`);
  const given = fromSettings.map(
    ({ service, label, value, from }) =>
      `  - ${label} = ${value} (from ${from})${owners.size > 1 ? `: ${service}` : ''}`,
  );
  return [
    `${paint(io, 'bold', url)} ${paint(io, 'dim', `(service cluster ${cluster})`)}`,
    `  ${paint(io, isAnswered(answer) ? 'green' : 'red', describeAnswer(answer))}`,
    ...because.map((step) => `  - ${step}`),
    ...(given.length > 0 ? [paint(io, 'bold', 'Labels from the settings'), ...given] : []),
    ...(others.length > 0 ? [paint(io, 'bold', 'Other routes'), ...others] : []),
    '',
  ].join('\n');
}

function describeAnswer(answer: Answer): string {
  switch (answer.kind) {
    case 'service':
      return `${answer.route.services.join(', ')} by the route ${answer.route.host}${answer.route.path}, request URI ${answer.requestUri}`;
    case 'redirect':
      return `${answer.status} to ${answer.location}`;
    case 'unavailable':
      return `503: ${describeRoute(answer.route)} is unavailable`;
    case 'maintenance':
      return '503: under maintenance';
    case 'no-path':
      return '404: no route matches this path';
    case 'no-host':
      return '503: no route matches this host';
    case 'bad-request':
      return '400: the path is invalid';
    case 'no-certificate':
      return 'The TLS handshake fails';
  }
}

function describeRoute({ host, path, services }: ExplainedRoute): string {
  return `${host}${path} → ${services.join(', ')}`;
}
