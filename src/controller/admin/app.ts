import { type Context, Hono, type MiddlewareHandler } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { HTTPException } from 'hono/http-exception';
import { z } from 'zod';
import type { Logger } from '../../lib/logger.ts';
import { retryOf } from '../../lib/retryable.ts';
import type { Actor } from '../../model/access/administration.ts';
import { isOfClusterAlone } from '../../model/access/api-tokens.ts';
import { type RequestDetails, readDetails } from '../../model/explain/details.ts';
import type { Access, Session, User } from './access.ts';
import type { Administrator } from './administrator.ts';
import { authorize, otherCluster } from './authorization.ts';
import type { CertificateView } from './certificates.ts';
import type { DoctorView } from './doctor.ts';
import { EventStreams } from './event-stream.ts';
import { type HostView, scopeHosts } from './hosts.ts';
import { readBody, remoteAddress } from './http.ts';
import { onlyKnownRoutes } from './known-routes.ts';
import { type LogQuery, type LogsView, logsQuery } from './logs.ts';
import type { Oidc } from './oidc.ts';
import { openApiDocument } from './openapi.ts';
import { type PlanView, scopePlan } from './plan.ts';
import { Refusal, toResponse } from './problem-details.ts';
import { type RenewalOptions, renewalRoute } from './renewal-route.ts';
import {
  type AuditEntry,
  allowSchema,
  type ClusterExplanation,
  explainedUrlSchema,
  interlockSchema,
  type UsersView,
} from './requests.ts';
import { scopeCertificates, scopeState } from './scope.ts';
import { setSecurityHeaders } from './security-headers.ts';
import { authenticate, identifyScraper, signInRoutes } from './sign-in-routes.ts';
import type { State } from './state.ts';
import { tokenRoutes } from './token-routes.ts';
import { type TrafficSource, trafficRoute } from './traffic-route.ts';
import { type TryRouteOptions, tryRoute } from './try-route.ts';
import type { VersionBook } from './version-book.ts';
import { versionRoutes } from './version-routes.ts';

export interface AdminOptions {
  readonly state: () => State;
  /** In Prometheus' text format. */
  readonly metrics: () => Promise<string>;
  /** Calls back on each change of the state. Returns a function that unsubscribes. */
  readonly subscribe: (listener: () => void) => () => void;
  readonly access: Access;
  /** Undefined if the settings have no OpenID provider. */
  readonly oidc?: Oidc | undefined;
  readonly administrator: Administrator;
  readonly versions: Pick<VersionBook, 'list' | 'compare'>;
  readonly readVersion: (cluster: string, version: string) => Promise<string | undefined>;
  /** How a URL is routed; undefined if it is invalid. */
  readonly explain: (url: string, details?: RequestDetails) => readonly ClusterExplanation[] | undefined;
  /** What the controller would do now. */
  readonly plan: () => PlanView;
  /** Lines of the access log about a host that the user sees. */
  readonly logs: (query: LogQuery, state: State) => Promise<LogsView>;
  /** Checks the swarm; undefined before it was observed. */
  readonly doctor: () => Promise<DoctorView | undefined>;
  /** Where a request of a client would arrive. */
  readonly tryTarget: TryRouteOptions['tryTarget'];
  readonly certificates: () => readonly CertificateView[];
  /** Orders a certificate before it is due. */
  readonly renew: RenewalOptions['renew'];
  /** Hosts with the nodes that answer for them. */
  readonly hosts: () => readonly HostView[];
  /** Root certificate of the issuer `internal`, in PEM. */
  readonly internalCa: string;
  /** Requests that proxies report. Absent in tests of something else. */
  readonly traffic?: TrafficSource | undefined;
  /** Serves the page; undefined if it was not built. */
  readonly page?: MiddlewareHandler | undefined;
  /** The client's address. Defaults to the address of the connection. */
  readonly address?: (context: Context) => string;
  readonly logger?: Logger;
  readonly now?: () => number;
}

export type Env = { Variables: { session: Session; user: User } };

/** The administrator's HTTP interface. openapi.ts describes every route; only `/healthz` and signing in need no sign-in. */
export function createAdminApp(options: AdminOptions): Hono<Env> {
  const { state, access, administrator, address = remoteAddress, logger, now = Date.now } = options;
  const app = new Hono<Env>();
  app.use(setSecurityHeaders);
  app.use(onlyKnownRoutes(options.page !== undefined));
  app.use(bodyLimit({ maxSize: 64 * 1024 }));
  app.use(neverStored);
  app.onError((error) => {
    if (error instanceof Refusal) return toResponse(error);
    if (error instanceof HTTPException)
      return toResponse(
        new Refusal(
          error.status as 403,
          error.status === 403 ? 'Forbidden' : 'Rejected',
          error.message || 'The request was rejected.',
        ),
      );
    const retry = retryOf(error);
    if (retry === undefined) {
      logger?.error({ err: error }, 'Request failed');
      return toResponse(new Refusal(500, 'Internal error', "See the controller's log."));
    }
    if (retry === 'after-change')
      return toResponse(new Refusal(502, 'Docker rejected the request', `${error.message}. Nothing was changed.`));
    const detail = `${(error as Error).message}. Nothing was changed. Try again in a moment.`;
    return toResponse(new Refusal(503, 'Docker does not respond', detail));
  });
  app.notFound(({ req }) => toResponse(new Refusal(404, 'Not found', `Unknown path ${req.path}.`)));

  app.get('/healthz', (context) => {
    const { observedAt, error } = state();
    const healthy = observedAt !== null && error === null;
    return context.json({ healthy }, healthy ? 200 : 503);
  });

  app.route('/auth', signInRoutes({ access, administrator, oidc: options.oidc, address, logger }));

  app.get('/metrics', async (context) => {
    await identifyScraper(context, access, address(context));
    return context.text(await options.metrics());
  });

  app.use('/api/*', authenticate(access), authorize);
  const actor = (context: Context): Actor => {
    const { name, via } = context.get('user');
    return { name, via, address: address(context) };
  };
  const visible = (user: User) => scopeState(state(), user);
  const { traffic, subscribe } = options;
  const hosts = (user: User) => scopeHosts(options.hosts(), user);
  const streams = new EventStreams({ access, state: visible, hosts, subscribe, traffic, now });
  app.get('/api/user', (context) => context.json({ cluster: null, ...context.get('user') }));
  app.get('/api/users', (context) => context.json(usersView(access, options.oidc)));
  app.route('/api/tokens', tokenRoutes({ access, administrator, actor, now }));
  app.get('/api/openapi.json', (context) => context.json(openApiDocument()));
  app.get('/api/state', (context) => context.json(visible(context.get('user'))));
  app.get('/api/certificates', (context) =>
    context.json(scopeCertificates(options.certificates(), visible(context.get('user')), context.get('user'))),
  );
  app.post('/api/certificates/:name/renewal', renewalRoute({ ...options, actor }));
  app.get('/api/internal-ca', (context) => context.text(options.internalCa));
  app.get('/api/audit', (context) => context.json(auditOf(administrator)));
  app.get('/api/events', (context) => streams.start(context, context.get('session'), 'state'));
  app.get('/api/hosts', (context) => context.json(hosts(context.get('user'))));
  app.get('/api/hosts/events', (context) => streams.start(context, context.get('session'), 'hosts'));
  app.get('/api/traffic', trafficRoute(traffic));
  app.get('/api/explain', ({ req, json, get }) => {
    const url = explainedUrlSchema.safeParse(req.query('url') ?? '').data ?? '';
    const written = { method: req.query('method'), headers: req.queries('header'), cookies: req.queries('cookie') };
    const details = readDetails(url, written);
    if (typeof details === 'string') throw new Refusal(400, 'Invalid request', details);
    const explanations = options.explain(url, details);
    if (explanations === undefined)
      throw new Refusal(
        400,
        'Not a URL',
        'The parameter url is not a valid URL. Example: http://app.example.org/path.',
      );
    const own = get('user').cluster;
    return json(explanations.filter(({ cluster }) => own === undefined || cluster === own));
  });

  app.post('/api/try', tryRoute({ ...options, actor }));
  app.get('/api/logs', async (context) => {
    const query = z.object(logsQuery).partial().safeParse(context.req.query());
    const { host, tail = 100, cursor = '' } = query.data ?? {};
    if (host === undefined)
      throw new Refusal(400, 'Invalid query', 'Set the parameter host, and tail to a number from 1 to 1000.');
    return context.json(await options.logs({ host, tail, cursor }, visible(context.get('user'))));
  });
  app.get('/api/doctor', async (context) => {
    const view = await options.doctor();
    if (view === undefined) throw new Refusal(503, 'Not ready', 'The controller has not checked the swarm yet.');
    return context.json(view);
  });
  app.get('/api/plan', (context) => context.json(scopePlan(options.plan(), context.get('user'))));

  const interlock = () => {
    const { httpPort, httpsPort } = administrator.ports;
    return { InterlockEnabled: administrator.current.enabled, HTTPPort: httpPort, HTTPSPort: httpsPort };
  };
  // UCP 2 had it at /api/hrm.
  for (const path of ['/api/interlock', '/api/hrm']) {
    app.get(path, (context) => context.json(interlock()));
    app.post(path, async (context) => {
      const { HTTPPort, HTTPSPort, InterlockEnabled } = await readBody(context, interlockSchema);
      if (InterlockEnabled === false) await administrator.disable(actor(context));
      else
        await administrator.enable(actor(context), {
          ...(HTTPPort === undefined ? {} : { httpPort: HTTPPort }),
          ...(HTTPSPort === undefined ? {} : { httpsPort: HTTPSPort }),
        });
      return context.json(interlock());
    });
    app.delete(path, async (context) => {
      await administrator.disable(actor(context));
      return context.json(interlock());
    });
  }

  app.get('/api/maintenance', (context) => context.json(visible(context.get('user')).maintenance));
  for (const kind of ['host', 'service'] as const) {
    const path = `/api/maintenance/${kind}s/:${kind}` as const;
    const targetOf = ({ req, get }: Context<Env>) => {
      const target = { kind, name: req.param(kind) ?? '' };
      const { cluster } = get('user');
      if (cluster !== undefined && !isOfClusterAlone(administrator.clustersOf(target), cluster))
        throw otherCluster(get('user'));
      return target;
    };
    app.put(path, async (context) => {
      const target = targetOf(context);
      const { allow, ...terms } = await readBody(context, allowSchema);
      await administrator.startMaintenance(actor(context), target, allow, terms);
      return context.body(null, 204);
    });
    app.delete(path, async (context) => {
      await administrator.endMaintenance(actor(context), targetOf(context));
      return context.body(null, 204);
    });
  }

  app.route('/api/clusters', versionRoutes({ ...options, actor }));
  if (options.page) app.get('*', options.page);
  return app;
}

/** Keeps credentials, state and configurations out of browser caches. The page sets its own header. */
const neverStored: MiddlewareHandler = async (context, next) => {
  await next();
  if (!context.res.headers.has('cache-control')) context.res.headers.set('cache-control', 'no-store');
};

/** The newest first. */
function auditOf({ current: { changes, failedSignIns } }: Administrator): AuditEntry[] {
  return [...changes, ...failedSignIns]
    .map(({ at, who, via, address, what }) => ({ at, who, via: via ?? null, address: address ?? null, what }))
    .toSorted((a, b) => b.at.localeCompare(a.at));
}

function usersView({ accounts }: Access, oidc: Oidc | undefined): UsersView {
  if (oidc === undefined) return { users: accounts.all, oidc: null };
  const { Issuer, Groups } = oidc.settings;
  const groups = Object.entries(Groups).map(([group, role]) => ({ group, role }));
  return { users: accounts.all, oidc: { issuer: Issuer, groups } };
}
