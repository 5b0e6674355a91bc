import type { ClusterState } from '../model/cluster-state.ts';
import { buildDesiredState } from '../model/desired-state.ts';
import type { RequestDetails } from '../model/explain/details.ts';
import { explainStream } from '../model/explain/explain-stream.ts';
import type { Explanation } from '../model/explain/explanation.ts';
import { explainUrl } from '../model/explain.ts';
import { apiOptions } from './api.ts';
import { defineCommand } from './command.ts';
import { composeOptions, loadCompose } from './compose-files.ts';
import { describeExplanation, isAnswered } from './describe-explanation.ts';
import { detailOptions, detailsOf } from './explain-details.ts';
import { explainLive } from './explain-live.ts';
import { exitCodes, UsageError, writeJson } from './io.ts';
import { chooseClusters } from './render.ts';

export const explain = defineCommand({
  name: 'explain',
  usage: '[compose.yml…] <URL>',
  summary: 'Explain which route of compose files, or of a running Signalbox, answers a URL, and why the others do not.',
  details: [
    'A TCP or UDP connection is written as tcp://<name>:<port>, with the name in the TLS handshake, or any name without TLS.',
    'It also lists what the labels of the route do to the request. Exits with 1 if no service answers. With --live, it explains the routes and tasks of a running Signalbox.',
    'With --try, it also sends one GET request from this machine and shows each step with its duration.',
    'With --method, --header and --cookie, it explains a request that differs from a plain GET: the label match selects by them.',
  ].join(' '),
  examples: [
    'signalbox explain stack.yml https://app.example.org/api',
    'signalbox explain --try https://app.example.org/api',
    "signalbox explain --live https://app.example.org/ --method POST --header 'X-Beta: yes' --cookie group=b",
    'signalbox explain --live tcp://db.example.org:5432',
  ],
  options: {
    live: { type: 'boolean', description: 'Explain the routes of a running Signalbox instead of compose files.' },
    ...detailOptions,
    try: { type: 'boolean', description: 'Also send one request. Implies --live.' },
    address: {
      type: 'string',
      value: 'address',
      description: 'With --try: send the request to this node instead of the address in DNS.',
    },
    ...apiOptions,
    cluster: {
      type: 'string',
      value: 'name',
      description: 'Only this service cluster. Default: all that have a route.',
    },
    ...composeOptions,
  },
  async run(values, positionals, io) {
    const url = positionals.at(-1);
    if (values.try || values.live) return explainLive(values, positionals, io);
    if (url === undefined || positionals.length < 2) throw new UsageError('Missing arguments: URL and compose file.');
    const details = detailsOf(url, values);
    const loaded = await loadCompose(positionals.slice(0, -1), values, io);
    const clusters = chooseClusters(buildDesiredState(loaded.snapshot, loaded.settings).clusters, values.cluster);
    const explanations = clusters.map((state) => ({ cluster: state.cluster.name, ...explainIn(state, url, details) }));
    if (values.json) writeJson(io, explanations);
    else for (const { cluster, ...explanation } of explanations) io.out(describeExplanation(explanation, cluster, io));
    return explanations.some(({ answer }) => isAnswered(answer)) ? exitCodes.done : exitCodes.found;
  },
});

function explainIn(
  { cluster, table, streamTable, rejectedClaims }: ClusterState,
  url: string,
  details: RequestDetails,
): Explanation {
  const connection = explainStream(streamTable, url);
  if (connection !== undefined) return connection;
  const explanation = explainUrl(table, url, {
    httpsPort: cluster.settings.PublicSSLPort ?? cluster.settings.PublishedSSLPort,
    rejectedClaims,
    details,
  });
  if (explanation === undefined) throw new UsageError(`${url} is not a URL such as http://app.example.org/path.`);
  return explanation;
}
