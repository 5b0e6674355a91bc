import { getConnInfo } from '@hono/node-server/conninfo';
import { type Context, Hono, type MiddlewareHandler } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { deleteCookie, getCookie, setCookie } from 'hono/cookie';
import { csrf } from 'hono/csrf';
import { HTTPException } from 'hono/http-exception';
import { secureHeaders } from 'hono/secure-headers';
import { streamSSE } from 'hono/streaming';
import type { z } from 'zod';
import { isBug } from '../lib/is-bug.ts';
import type { Access, User } from './access.ts';
import type { Administrator } from './administrator.ts';
import { openApiDocument } from './openapi.ts';
import { Refusal, toResponse } from './problem-details.ts';
import {
  allowSchema,
  type ClusterExplanation,
  credentialsSchema,
  interlockSchema,
  type KeptVersion,
} from './requests.ts';
import type { State } from './state.ts';

export interface AdminOptions {
  readonly state: () => State;
  /** In Prometheus' text format. */
  readonly metrics: () => Promise<string>;
  /** Calls back whenever the state is another; the function that comes back ends that. */
  readonly subscribe: (listener: () => void) => () => void;
  readonly access: Access;
  readonly administrator: Administrator;
  readonly versions: (cluster: string) => readonly KeptVersion[];
  readonly readVersion: (cluster: string, version: string) => Promise<string | undefined>;
  /** What becomes of a URL; nothing where it is not one. */
  readonly explain: (url: string) => readonly ClusterExplanation[];
  /** Serves the page; undefined where it was not built. */
  readonly page?: MiddlewareHandler | undefined;
  /** Address of the client; that of the connection if it is not given. */
  readonly address?: (context: Context) => string;
}

type Env = { Variables: { user: User } };

/** `__Host-`: browsers take it only over TLS, and for this host alone. */
const COOKIE = '__Host-signalbox';
const PING_MS = 15_000;

/** The administrator's HTTP interface. src/admin/openapi.ts describes every route; nothing but `/healthz` and logging in is open to all. */
export function createAdminApp(options: AdminOptions): Hono<Env> {
  const { state, access, administrator, address = remoteAddress } = options;
  const app = new Hono<Env>();
  app.use(
    secureHeaders({
      contentSecurityPolicy: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'"],
        imgSrc: ["'self'", 'data:'],
        connectSrc: ["'self'"],
        formAction: ["'self'"],
        frameAncestors: ["'none'"],
        baseUri: ["'none'"],
      },
      xFrameOptions: 'DENY',
      // It would bind the applications on other ports of this host too.
      strictTransportSecurity: false,
      referrerPolicy: 'no-referrer',
    }),
  );
  app.use(bodyLimit({ maxSize: 64 * 1024 }));
  app.onError((error) => {
    if (error instanceof Refusal) return toResponse(error);
    if (error instanceof HTTPException)
      return toResponse(
        new Refusal(
          error.status as 403,
          error.status === 403 ? 'Forbidden' : 'Refused',
          error.message || 'The request is refused.',
        ),
      );
    if (isBug(error)) throw error;
    const detail = `${(error as Error).message}. Nothing was changed; try again in a moment.`;
    return toResponse(new Refusal(503, 'The Engine does not answer', detail));
  });
  app.notFound(({ req }) => toResponse(new Refusal(404, 'Not found', `There is nothing at ${req.path}.`)));

  app.get('/healthz', (context) => {
    const { observedAt, error } = state();
    const healthy = observedAt !== null && error === null;
    return context.json({ healthy }, healthy ? 200 : 503);
  });

  const logIn = async (context: Context): Promise<string> => {
    const from = address(context);
    const wait = access.waitSeconds(from);
    if (wait > 0)
      throw new Refusal(429, 'Too many attempts', `Try again in ${wait} s.`, { 'retry-after': String(wait) });
    const { username, password } = await readBody(context, credentialsSchema);
    const token = await access.login(username, password, from);
    if (token === undefined) throw new Refusal(401, 'Not logged in', 'Name or password are wrong.');
    return token;
  };
  app.post('/auth/login', async (context) => context.json({ auth_token: await logIn(context) }));
  app.post('/auth/session', csrf(), async (context) => {
    setCookie(context, COOKIE, await logIn(context), { path: '/', secure: true, httpOnly: true, sameSite: 'Strict' });
    return context.body(null, 204);
  });
  app.delete('/auth/session', csrf(), (context) => {
    deleteCookie(context, COOKIE, { path: '/', secure: true });
    return context.body(null, 204);
  });

  app.get('/metrics', async (context) => {
    await identifyScraper(context, access, address(context));
    return context.text(await options.metrics());
  });

  app.use('/api/*', authenticate(access), onlyAdminChanges);
  app.get('/api/user', (context) => context.json(context.get('user')));
  app.get('/api/openapi.json', (context) => context.json(openApiDocument()));
  app.get('/api/state', (context) => context.json(state()));
  app.get('/api/events', (context) =>
    streamSSE(context, async (stream) => {
      let wake = () => {};
      const unsubscribe = options.subscribe(() => wake());
      stream.onAbort(() => {
        unsubscribe();
        wake();
      });
      let sent = '';
      while (!stream.aborted) {
        const changed = new Promise<void>((resolve) => {
          wake = resolve;
        });
        const { observedAt, ...rest } = state();
        const data = JSON.stringify(rest);
        // A quiet swarm is looked at every few seconds: that alone is not worth all of the state again.
        await stream.writeSSE(
          data === sent
            ? { event: 'seen', data: JSON.stringify(observedAt) }
            : { event: 'state', data: JSON.stringify({ observedAt, ...rest }) },
        );
        sent = data;
        await Promise.race([changed, stream.sleep(PING_MS)]);
      }
    }),
  );
  app.get('/api/explain', ({ req, json }) => {
    const url = req.query('url') ?? '';
    const explanations = options.explain(url);
    if (explanations.length === 0)
      throw new Refusal(400, 'Not a URL', `${JSON.stringify(url)} is not a URL such as http://app.example.org/path.`);
    return json(explanations);
  });

  const interlock = () => {
    const { httpPort, httpsPort } = administrator.ports;
    return { InterlockEnabled: administrator.current.enabled, HTTPPort: httpPort, HTTPSPort: httpsPort };
  };
  // UCP 2 had it at /api/hrm.
  for (const path of ['/api/interlock', '/api/hrm']) {
    app.get(path, (context) => context.json(interlock()));
    app.post(path, async (context) => {
      const { HTTPPort, HTTPSPort, InterlockEnabled } = await readBody(context, interlockSchema);
      const { name } = context.get('user');
      if (InterlockEnabled === false) await administrator.disable(name);
      else
        await administrator.enable(name, {
          ...(HTTPPort === undefined ? {} : { httpPort: HTTPPort }),
          ...(HTTPSPort === undefined ? {} : { httpsPort: HTTPSPort }),
        });
      return context.json(interlock());
    });
    app.delete(path, async (context) => {
      await administrator.disable(context.get('user').name);
      return context.json(interlock());
    });
  }

  app.get('/api/maintenance', (context) => context.json(state().maintenance));
  for (const kind of ['host', 'service'] as const) {
    const path = `/api/maintenance/${kind}s/:${kind}` as const;
    const targetOf = ({ req }: Context) => ({ kind, name: req.param(kind) ?? '' });
    app.put(path, async (context) => {
      const { allow } = await readBody(context, allowSchema);
      await administrator.startMaintenance(context.get('user').name, targetOf(context), allow);
      return context.body(null, 204);
    });
    app.delete(path, async (context) => {
      await administrator.endMaintenance(context.get('user').name, targetOf(context));
      return context.body(null, 204);
    });
  }

  app.get('/api/clusters/:cluster/versions', ({ req, json }) => json(options.versions(req.param('cluster'))));
  app.get('/api/clusters/:cluster/versions/:version', async ({ req, text }) => {
    const { cluster, version } = req.param();
    const configuration = await options.readVersion(cluster, version);
    if (configuration === undefined)
      throw new Refusal(404, 'No such version', `The cluster ${cluster} has kept no version ${version}.`);
    return text(configuration);
  });
  app.put('/api/clusters/:cluster/versions/:version/hold', async (context) => {
    const { cluster, version } = context.req.param();
    await administrator.hold(context.get('user').name, cluster, version);
    return context.body(null, 204);
  });
  app.delete('/api/clusters/:cluster/hold', async (context) => {
    await administrator.release(context.get('user').name, context.req.param('cluster'));
    return context.body(null, 204);
  });
  if (options.page) app.get('*', options.page);
  return app;
}

/** By bearer token, or by name and password, as Prometheus can: tokens expire. */
async function identifyScraper(context: Context, access: Access, from: string): Promise<void> {
  const [, scheme = '', credentials = ''] =
    /^(Bearer|Basic) (\S+)$/i.exec(context.req.header('authorization') ?? '') ?? [];
  if (scheme.toLowerCase() === 'bearer' && (await access.identify(credentials))) return;
  if (scheme.toLowerCase() === 'basic' && access.waitSeconds(from) === 0) {
    const text = Buffer.from(credentials, 'base64').toString('utf8');
    const end = text.indexOf(':');
    if (await access.login(text.slice(0, end), text.slice(end + 1), from)) return;
  }
  throw new Refusal(401, 'Not logged in', 'Basic authentication as viewer, or a bearer token of POST /auth/login.', {
    'www-authenticate': 'Basic realm="Signalbox"',
  });
}

/** By bearer token, as scripts do; or by cookie, as browsers do, which then must come from our own page. */
function authenticate(access: Access): MiddlewareHandler<Env> {
  const sameOrigin = csrf();
  return async (context, next) => {
    const bearer = /^Bearer (\S+)$/i.exec(context.req.header('authorization') ?? '')?.[1];
    const user = await access.identify(bearer ?? getCookie(context, COOKIE) ?? '');
    if (user === undefined)
      throw new Refusal(401, 'Not logged in', 'POST /auth/login with username and password gives a token.', {
        'www-authenticate': 'Bearer',
      });
    context.set('user', user);
    if (bearer === undefined) return sameOrigin(context, next);
    await next();
    return undefined;
  };
}

const onlyAdminChanges: MiddlewareHandler<Env> = async ({ req, get }, next) => {
  if (!['GET', 'HEAD'].includes(req.method) && get('user').role !== 'admin')
    throw new Refusal(403, 'Read-only', `The user ${get('user').name} may only look.`);
  await next();
};

/** Whatever its content type: scripts leave curl's own. */
async function readBody<T>({ req }: Context, schema: z.ZodType<T>): Promise<T> {
  const text = await req.text();
  const parsed = schema.safeParse(parseJson(text));
  if (parsed.success) return parsed.data;
  const reasons = parsed.error.issues.map(({ path, message }) => [path.join('.'), message].filter(Boolean).join(': '));
  throw new Refusal(400, 'Bad request', reasons.join('; '));
}

function parseJson(text: string): unknown {
  try {
    return text.trim() === '' ? {} : JSON.parse(text);
  } catch {
    throw new Refusal(400, 'Bad request', 'The body is not JSON.');
  }
}

function remoteAddress(context: Context): string {
  return getConnInfo(context).remote.address ?? '';
}
