import type { Context } from 'hono';
import type { User } from './access.ts';
import { otherCluster } from './authorization.ts';
import { Refusal } from './problem-details.ts';
import { type TrafficEvent, type TrafficQuery, type TrafficView, trafficQuerySchema } from './traffic.ts';

/** Requests that proxies report. */
export interface TrafficSource {
  /** Undefined if several clusters have the host, or none. */
  readonly view: (query: TrafficQuery) => Promise<TrafficView | undefined>;
  /** The last complete step of everything, or of a cluster. */
  readonly last: (cluster: string | undefined) => TrafficEvent;
  /** Calls back after each step. Returns a function that unsubscribes. */
  readonly subscribe: (listener: () => void) => () => void;
}

/** Answers `GET /api/traffic`. */
export function trafficRoute(source: TrafficSource | undefined) {
  return async (context: Context<{ Variables: { user: User } }>): Promise<Response> => {
    if (source === undefined) throw new Refusal(404, 'Not found', 'This controller does not record requests.');
    const { data: query, error } = trafficQuerySchema.safeParse(context.req.query());
    if (query === undefined) throw new Refusal(400, 'Invalid parameter', faultOf(error.issues[0]));
    if (query.host === undefined && (query.route ?? query.task) !== undefined)
      throw new Refusal(400, 'Invalid parameter', 'The parameters route and task require the parameter host.');
    const user = context.get('user');
    if (user.cluster !== undefined && query.cluster !== undefined && query.cluster !== user.cluster)
      throw otherCluster(user);
    const view = await source.view({ ...query, cluster: user.cluster ?? query.cluster });
    if (view === undefined) {
      const detail = `No requests to ${query.host} are known, or several clusters have this host: name one with the parameter cluster.`;
      throw new Refusal(404, 'No such traffic', detail);
    }
    return context.json(view);
  };
}

function faultOf(issue: { readonly path: readonly PropertyKey[]; readonly message: string } | undefined): string {
  return `The parameter ${issue?.path.join('.')} is invalid: ${issue?.message}.`;
}
