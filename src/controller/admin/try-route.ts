import type { Context } from 'hono';
import { z } from 'zod';
import type { Actor } from '../../model/access/administration.ts';
import { knowsHost } from '../../model/explain/explanation.ts';
import { parseRequest } from '../../model/explain/request.ts';
import { shownValue } from '../../model/problem.ts';
import { type TriedStep, triedSteps } from '../../model/tried-step.ts';
import { type TryTarget, tryRequest } from '../../try-request/try-request.ts';
import type { Status } from '../reconcile/status.ts';
import type { Administrator } from './administrator.ts';
import { answeringNodes } from './hosts.ts';
import { readBody } from './http.ts';
import { Refusal } from './problem-details.ts';
import { type ClusterExplanation, explainedUrlSchema } from './requests.ts';

export const tryBody = z.object({ url: explainedUrlSchema }).readonly();

export const trySchema = z
  .object({
    cluster: z.string(),
    steps: z
      .array(
        z
          .object({
            step: z.enum(Object.keys(triedSteps) as [TriedStep, ...TriedStep[]]),
            ok: z.boolean(),
            text: z.string(),
            ms: z.number().optional().describe('Duration of the step.'),
          })
          .readonly(),
      )
      .readonly(),
  })
  .readonly();
export type TryView = z.infer<typeof trySchema>;

export interface TryRouteOptions {
  readonly explain: (url: string) => readonly ClusterExplanation[] | undefined;
  /** A node on which the cluster's ports answer; undefined if there is none. */
  readonly tryTarget: (cluster: string, isSecure: boolean) => TryTarget | undefined;
  readonly administrator: Pick<Administrator, 'record'>;
  readonly actor: (context: Context) => Actor;
}

/**
 * Sends a GET request for a URL that a route serves, to a node of the swarm and to nothing else. Recorded before: the
 * application may react to it.
 */
export function tryRoute({ explain, tryTarget, administrator, actor }: TryRouteOptions) {
  return async (context: Context): Promise<Response> => {
    const url = toUrl((await readBody(context, tryBody)).url);
    const served = explain(url.href)?.find(({ answer }) => knowsHost(answer));
    if (served === undefined) throw new Refusal(404, 'No such host', `No route has the host ${shownValue(url.host)}.`);
    const target = tryTarget(served.cluster, url.protocol === 'https:');
    if (target === undefined)
      throw new Refusal(
        409,
        'No node answers',
        `No node publishes the ports of the service cluster ${served.cluster}.`,
      );
    await administrator.record(actor(context), `Sent a request for ${shownValue(url.href)}`);
    const view: TryView = { cluster: served.cluster, steps: await tryRequest(url, { target }) };
    return context.json(view);
  };
}

function toUrl(text: string): URL {
  const request = parseRequest(text);
  if (request === undefined)
    throw new Refusal(
      400,
      'Not a URL',
      'Set url to a URL over HTTP or HTTPS, for example http://app.example.org/path.',
    );
  return new URL(request.url);
}

/** The first node, by name, on which the cluster's ports answer. */
export function tryTargetIn(status: Status | undefined, cluster: string, isSecure: boolean): TryTarget | undefined {
  const state = status?.desired.clusters.find((each) => each.cluster.name === cluster);
  if (status === undefined || state === undefined) return undefined;
  const { PublishedPort, PublishedSSLPort } = state.cluster.settings;
  const port = isSecure ? PublishedSSLPort : PublishedPort;
  const nodes = answeringNodes(state, status);
  return nodes.flatMap(({ name, address }) => (address === null ? [] : { node: name, address, port }))[0];
}
