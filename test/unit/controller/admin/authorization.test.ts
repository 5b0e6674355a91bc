// Every API route × every credential, generated from the API's own description, so that no new route is forgotten.
import { createHmac } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import type { User } from '../../../../src/controller/admin/access.ts';
import { Oidc } from '../../../../src/controller/admin/oidc.ts';
import { operations } from '../../../../src/controller/admin/operations.ts';
import { includesRole, type Role, roles } from '../../../../src/model/access/roles.ts';
import { oidcKeys } from '../../../../src/model/settings/keys.ts';
import { AdminWorld, type KnownUser, pageHeaders, passwords, rolesOf } from '../../../support/admin-world.ts';

type Headers = Readonly<Record<string, string>>;
type Who = Pick<User, 'role' | 'via' | 'cluster'>;

interface Credential {
  readonly headers: Headers;
  /** Users that the API recognizes, except at `/metrics`. */
  readonly who?: Who;
  /** Users that `/metrics` recognizes. */
  readonly scraper?: Who;
  /** Sends a cookie from a page of another origin. */
  readonly foreign?: true;
}

const routes = Object.entries(operations).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), ...operation })),
);

let box: AdminWorld;
let credentials: Readonly<Record<string, Credential>>;

beforeAll(async () => {
  const settings = { ...defaultOidc(), Issuer: 'https://id.example.org', ClientId: 'signalbox' };
  box = await AdminWorld.open({ oidc: new Oidc({ settings, now: Date.now }) });
  const users = await Promise.all((Object.keys(passwords) as KnownUser[]).map(credentialsOf));
  const tokens = await Promise.all(roles.map(tokensOf));
  credentials = Object.fromEntries([
    ...users.flat(),
    ...tokens.flat(),
    ...(await Promise.all(roles.map(oidcSessionsOf))).flat(),
    ['nothing', { headers: {} }],
    ['an empty bearer token', { headers: { authorization: 'Bearer' } }],
    ['basic authentication with a wrong password', { headers: basic('viewer:wrong') }],
    ['an unsigned token', { headers: { authorization: `Bearer ${forged({ alg: 'none' }, '')}` } }],
    ['a token of another key', { headers: { authorization: `Bearer ${forged({ alg: 'HS256' }, 'other')}` } }],
    ['an unknown API token', { headers: { authorization: `Bearer sbt_${'A'.repeat(43)}` } }],
  ]);
  return () => box[Symbol.asyncDispose]();
}, 60_000);

function defaultOidc() {
  return Object.fromEntries(Object.entries(oidcKeys).map(([name, key]) => [name, key.default])) as Oidc['settings'];
}

const basic = (text: string) => ({ authorization: `Basic ${btoa(text)}` });
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

function forged(header: object, key: string): string {
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const at = Date.now();
  const user = { sub: 'admin', name: 'admin', role: 'administrator', via: 'password', fp: '' };
  const claims = { ...user, sid: 'x', kind: 'bearer', at, exp: Math.floor(at / 1000) + 3600 };
  const signed = `${encode({ typ: 'JWT', ...header })}.${encode(claims)}`;
  return `${signed}.${key === '' ? '' : createHmac('sha256', key).update(signed).digest('base64url')}`;
}

async function credentialsOf(user: KnownUser): Promise<[string, Credential][]> {
  const who: Who = { role: rolesOf[user], via: 'password' };
  const headers = await box.bearer(user);
  const token = headers.authorization.split(' ')[1]!;
  const session = await box.session(user);
  const signedOut = await box.bearer(user);
  await box.ask('/auth/session', { method: 'DELETE', headers: signedOut });
  return [
    [`${user}, bearer token`, { headers, who, scraper: who }],
    [`${user}, session of the page`, { headers: pageHeaders(session), who }],
    [`${user}, basic authentication`, { headers: basic(`${user}:${passwords[user]}`), scraper: who }],
    [`${user}, cookie alone`, { headers: { cookie: `__Host-signalbox=${session.cookie}` } }],
    [`${user}, token of the page alone`, { headers: { 'x-signalbox-session': session.page } }],
    [`${user}, cookie as bearer token`, { headers: bearer(session.cookie) }],
    [`${user}, token of the page as bearer token`, { headers: bearer(session.page) }],
    [`${user}, bearer token as session`, { headers: pageHeaders({ cookie: token, page: token }) }],
    [`${user}, halves exchanged`, { headers: pageHeaders({ cookie: session.page, page: session.cookie }) }],
    [
      `${user}, page of another port`,
      { headers: { ...pageHeaders(session), origin: 'https://localhost:8443' }, foreign: true },
    ],
    [`${user}, signed out`, { headers: signedOut }],
    [`${user}, expired`, { headers: bearer(await expiredSession(user)) }],
    [`${user}, changed token`, { headers: { authorization: `${headers.authorization}x` } }],
  ];
}

function expiredSession(user: KnownUser): Promise<string> {
  const past = Date.now() - 1000;
  const who = { name: user, role: rolesOf[user], via: 'password' as const };
  const times = { startedAt: past - 12 * 3_600_000, expiresAt: past };
  return box.access.bearerToken({ id: `expired-${user}`, user: who, account: user, ...times });
}

async function tokensOf(role: Role): Promise<[string, Credential][]> {
  const who: Who = { role, via: 'token' };
  const valid = await box.apiToken({ name: role, role });
  const revoked = await box.apiToken({ name: `${role}-revoked`, role });
  const headers = await box.bearer('admin');
  await box.ask(`/api/tokens/${revoked.id}`, { method: 'DELETE', headers });
  const ofCluster = await box.apiToken({ name: `${role}-default`, role, cluster: 'default' });
  const scoped = { ...who, cluster: 'default' };
  return [
    [`API token, ${role}`, { headers: valid.headers, who, scraper: who }],
    [`API token, ${role}, cluster`, { headers: ofCluster.headers, who: scoped, scraper: scoped }],
    [`API token, ${role}, as session`, { headers: pageHeaders({ cookie: valid.token, page: valid.token }) }],
    [`API token, ${role}, as password`, { headers: basic(`${role}:${valid.token}`) }],
    [`API token, ${role}, revoked`, { headers: revoked.headers }],
    [`API token, ${role}, its identifier`, { headers: bearer(valid.id) }],
  ];
}

async function oidcSessionsOf(role: Role): Promise<[string, Credential][]> {
  const session = box.access.beginOidc({ subject: role, name: 'admin', role });
  const who: Who = { role, via: 'oidc' };
  const tokens = await box.access.browserTokens(session, box.origin);
  return [[`OpenID Connect, ${role}`, { headers: pageHeaders(tokens), who }]];
}

/** With a malformed body, so that an accepted request changes nothing. */
async function statusOf({ path, method, answer }: (typeof routes)[number], headers: Headers): Promise<number> {
  const body = ['GET', 'DELETE'].includes(method) ? {} : { body: '{"allow":0,"HTTPPort":"x"}' };
  const target = path.replace('{cluster}', 'default').replaceAll(/\{\w+\}/g, 'nothing');
  if (answer !== 'text/event-stream') return (await box.ask(target, { method, headers, ...body })).status;
  const stream = await box.start(target, { method, headers });
  stream.on('error', () => {}).destroy();
  return stream.statusCode!;
}

/** Status codes of a rejection, or undefined if the route accepts this credential. */
function refusals(route: (typeof routes)[number], { who, scraper, foreign }: Credential): number[] | undefined {
  const user = route.basic ? scraper : who;
  if (user === undefined) return foreign && !route.basic ? [403] : [401];
  if (!includesRole(user.role, route.access as Role)) return [403];
  if (route.usersOnly && user.via === 'token') return [403];
  // No host or service belongs to the cluster, since none has the name.
  const isOther = user.cluster !== undefined && !['path', 'answer'].includes(route.ofCluster ?? '');
  return isOther ? [403] : undefined;
}

describe.each(routes.filter(({ access }) => access !== 'open'))('$method $path', (route) => {
  it('accepts exactly the credentials that it is for', async () => {
    for (const [name, credential] of Object.entries(credentials)) {
      // Wrong passwords throttle an address.
      if (route.basic) box.skipped += 61_000;
      const status = await statusOf(route, credential.headers);
      const refused = refusals(route, credential);
      const message = `${name}: ${status}`;
      if (refused === undefined) expect([401, 403, 405, 429, 500], message).not.toContain(status);
      else expect(refused, message).toContain(status);
    }
  });
});

it('Each route requires this role, and API tokens of one cluster may do this', () => {
  const rows = routes.map(({ method, path, access, ofCluster, usersOnly }) =>
    [method, path, access, ofCluster ?? '-', ...(usersOnly ? ['users only'] : [])].join(' '),
  );
  expect(rows.toSorted()).toEqual([
    'DELETE /api/clusters/{cluster}/hold operator path',
    'DELETE /api/hrm operator -',
    'DELETE /api/interlock operator -',
    'DELETE /api/maintenance/hosts/{host} operator target',
    'DELETE /api/maintenance/services/{service} operator target',
    'DELETE /api/tokens/{token} administrator - users only',
    'DELETE /auth/session open -',
    'GET /api/audit viewer -',
    'GET /api/certificates viewer -',
    'GET /api/clusters/{cluster}/versions viewer path',
    'GET /api/clusters/{cluster}/versions/{version} viewer path',
    'GET /api/clusters/{cluster}/versions/{version}/changes viewer path',
    'GET /api/doctor operator -',
    'GET /api/events viewer answer',
    'GET /api/explain viewer answer',
    'GET /api/hosts viewer answer',
    'GET /api/hosts/events viewer answer',
    'GET /api/hrm viewer -',
    'GET /api/interlock viewer -',
    'GET /api/internal-ca viewer -',
    'GET /api/logs operator answer',
    'GET /api/maintenance viewer answer',
    'GET /api/openapi.json viewer answer',
    'GET /api/plan viewer answer',
    'GET /api/state viewer answer',
    'GET /api/tokens administrator - users only',
    'GET /api/traffic viewer answer',
    'GET /api/user viewer answer',
    'GET /api/users administrator -',
    'GET /auth/methods open -',
    'GET /healthz open -',
    'GET /metrics viewer -',
    'POST /api/certificates/{name}/renewal operator -',
    'POST /api/hrm operator -',
    'POST /api/interlock operator -',
    'POST /api/tokens administrator - users only',
    'POST /api/try operator -',
    'POST /auth/login open -',
    'POST /auth/oidc open -',
    'POST /auth/oidc/session open -',
    'POST /auth/session open -',
    'PUT /api/clusters/{cluster}/versions/{version}/hold operator path',
    'PUT /api/maintenance/hosts/{host} operator target',
    'PUT /api/maintenance/services/{service} operator target',
  ]);
});
