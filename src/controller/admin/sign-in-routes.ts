import { type Context, Hono, type MiddlewareHandler } from 'hono';
import { deleteCookie, getCookie, setCookie } from 'hono/cookie';
import type { Logger } from '../../lib/logger.ts';
import { retryOf } from '../../lib/retryable.ts';
import type { Access, Session, User } from './access.ts';
import type { Administrator } from './administrator.ts';
import { originOf, readBody, refuseForeign, sameOrigin } from './http.ts';
import { type Flow, type Oidc, oidcReason } from './oidc.ts';
import { Refusal } from './problem-details.ts';
import { credentialsSchema, oidcAnswerSchema } from './requests.ts';

export interface SignInOptions {
  readonly access: Access;
  readonly administrator: Administrator;
  readonly oidc?: Oidc | undefined;
  readonly address: (context: Context) => string;
  readonly logger?: Logger | undefined;
}

/** With the prefix `__Host-`, browsers accept the cookie only over TLS and send it to this host only. */
const COOKIE = '__Host-signalbox';
/** The page's second token. Other origins cannot send this header. */
const PAGE_HEADER = 'x-signalbox-session';
/** How long a user may take to sign in at the provider. */
const FLOW_MS = 10 * 60_000;

/** The routes for signing in and out, under `/auth`. */
export function signInRoutes(options: SignInOptions): Hono {
  const { access, administrator, oidc, address, logger } = options;
  const app = new Hono();
  const noteSignIn = ({ user: { name, via, role } }: Session, context: Context) =>
    logger?.info({ user: name, via, role, address: address(context) }, 'Signed in');
  const signIn = async (context: Context): Promise<Session> => {
    const { username, password } = await readBody(context, credentialsSchema);
    const session = await signInOrRefuse(access, username, password, address(context));
    noteSignIn(session, context);
    return session;
  };
  const answerPage = async (context: Context, session: Session) => {
    const { cookie, page } = await access.browserTokens(session, originOf(context));
    setCookie(context, COOKIE, cookie, { path: '/', secure: true, httpOnly: true, sameSite: 'Strict' });
    return context.json({ session_token: page });
  };

  app.get('/methods', (context) => context.json({ oidc: oidc !== undefined }));
  app.post('/login', async (context) => context.json({ auth_token: await access.bearerToken(await signIn(context)) }));
  app.post('/session', sameOrigin, async (context) => answerPage(context, await signIn(context)));
  app.delete('/session', sameOrigin, async (context) => {
    const session = await identify(context, access);
    if (session?.user.via === 'token')
      throw new Refusal(
        403,
        'Forbidden',
        'API tokens have no session to sign out of. Ask an administrator to revoke the token.',
      );
    if (session !== undefined) {
      access.end(session);
      const { id, user, account, expiresAt } = session;
      logger?.info({ user: user.name, address: address(context) }, 'Signed out');
      await administrator
        .endSession({ id, user: account, until: new Date(expiresAt).toISOString() })
        .catch((error) => logger?.error({ err: error }, 'Sign-out not recorded: it is lost on a restart'));
    }
    deleteCookie(context, COOKIE, { path: '/', secure: true });
    return context.body(null, 204);
  });

  app.post('/oidc', sameOrigin, async (context) => {
    const origin = originOf(context);
    const { url, ...flow } = await begin(required(oidc), origin, logger);
    return context.json({ url, state: flow.state, flow: await access.sealFlow(flow, origin, FLOW_MS) });
  });
  app.post('/oidc/session', sameOrigin, async (context) => {
    const provider = required(oidc);
    const { flow, answer } = await readBody(context, oidcAnswerSchema);
    const from = address(context);
    const attempt = access.attempts.begin(from);
    if ('waitSeconds' in attempt) throw tooMany(attempt.waitSeconds);
    const opened = await access.openFlow(flow, originOf(context));
    if (opened === undefined) throw new Refusal(401, 'Not signed in', 'The sign-in took too long. Try again.');
    const result = await provider.finish(opened as unknown as Flow, answer, originOf(context)).catch((error) => {
      if (retryOf(error) === undefined) throw error;
      logger?.warn({ address: from, reason: oidcReason(error) }, 'Sign-in through OpenID Connect failed');
      access.noteFailure({ user: undefined, address: from, held: false });
      throw new Refusal(401, 'Not signed in', "The OpenID provider's response is invalid. Try again.");
    });
    if (result.kind === 'no-role') {
      logger?.warn({ user: result.name, address: from }, 'Sign-in rejected: user has no role');
      throw new Refusal(403, 'No role', `The settings assign no role to the groups of ${result.name}.`);
    }
    attempt.succeed();
    const session = access.beginOidc(result.identity);
    noteSignIn(session, context);
    return answerPage(context, session);
  });
  return app;
}

function required(oidc: Oidc | undefined): Oidc {
  if (oidc === undefined) throw new Refusal(404, 'Not found', 'No OpenID provider is configured.');
  return oidc;
}

async function begin(oidc: Oidc, origin: string, logger: Logger | undefined) {
  return oidc.begin(origin).catch((error) => {
    logger?.error({ reason: oidcReason(error), issuer: oidc.settings.Issuer }, 'OpenID provider does not respond');
    throw new Refusal(
      503,
      'No response',
      'The OpenID provider does not respond. Sign in with a password or try again.',
    );
  });
}

async function signInOrRefuse(access: Access, username: string, password: string, from: string): Promise<Session> {
  const result = await access.signIn(username, password, from);
  if (result.kind === 'signed-in') return result.session;
  if (result.kind === 'wrong') throw new Refusal(401, 'Not signed in', 'Wrong user name or password.');
  throw tooMany(result.waitSeconds);
}

function tooMany(waitSeconds: number): Refusal {
  const wait = String(waitSeconds);
  return new Refusal(429, 'Too many attempts', `Try again in ${wait} s.`, { 'retry-after': wait });
}

/** Accepts a bearer token, or basic authentication, which Prometheus supports: sessions expire. */
export async function identifyScraper(context: Context, access: Access, from: string): Promise<void> {
  const [, scheme = '', credentials = ''] =
    /^(Bearer|Basic) (\S+)$/i.exec(context.req.header('authorization') ?? '') ?? [];
  if (scheme.toLowerCase() === 'bearer') {
    const session = await access.identifyBearer(credentials);
    if (session?.user.cluster !== undefined)
      throw new Refusal(403, 'Forbidden', 'Metrics cover all clusters, and the token is limited to one.');
    if (session !== undefined) return;
  }
  if (scheme.toLowerCase() === 'basic') {
    const text = Buffer.from(credentials, 'base64').toString('utf8');
    const end = text.indexOf(':');
    if (end > 0) {
      await signInOrRefuse(access, text.slice(0, end), text.slice(end + 1), from);
      return;
    }
  }
  const detail = 'Use basic authentication as viewer, an API token, or a bearer token from POST /auth/login.';
  throw new Refusal(401, 'Not signed in', detail, { 'www-authenticate': 'Basic realm="Signalbox"' });
}

/** Scripts send a bearer token. The page sends a cookie and the token of its origin. */
function identify(context: Context, access: Access): Promise<Session | undefined> {
  const bearer = /^Bearer (\S+)$/i.exec(context.req.header('authorization') ?? '')?.[1];
  if (bearer !== undefined) return access.identifyBearer(bearer);
  return access.identifyBrowser(
    getCookie(context, COOKIE) ?? '',
    context.req.header(PAGE_HEADER) ?? '',
    originOf(context),
  );
}

export function authenticate(access: Access): MiddlewareHandler<{ Variables: { session: Session; user: User } }> {
  return async (context, next) => {
    if (getCookie(context, COOKIE) !== undefined) refuseForeign(context);
    const session = await identify(context, access);
    if (session === undefined)
      throw new Refusal(401, 'Not signed in', 'POST /auth/login with username and password returns a token.', {
        'www-authenticate': 'Bearer',
      });
    context.set('session', session);
    context.set('user', session.user);
    await next();
  };
}
