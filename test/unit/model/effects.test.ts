// What `signalbox explain` says about the labels of features.
import { describe, expect, it } from 'vitest';
import { buildDesiredState } from '../../../src/model/desired-state.ts';
import { explainUrl } from '../../../src/model/explain.ts';
import { featureLabels, labelFamilies } from '../../../src/model/features/features.ts';
import { beginningOf } from '../../../src/model/labels/label.ts';
import { parseSettings } from '../../../src/model/settings/settings.ts';
import { aNetwork, aService } from '../../support/builders.ts';

type Labels = Readonly<Record<string, string>>;

const { settings } = parseSettings(
  { Lists: { office: ['192.0.2.0/24'] }, Extensions: { default: { PublishMode: 'host' } } },
  '1',
);
const secrets = ['pair', 'shop-users', 'clients-ca', 'backend-ca'].map((name) => ({
  id: name,
  name,
  createdAt: '',
  labels: {},
}));

function explain(labels: Labels, url = 'https://app.example.org/app/x') {
  const app = aService('app', { lb: { ssl_cert: 'pair', ...labels } });
  const others = ['waker', 'shadow', 'auth', 'pages'].map((name) => aService(name));
  const nothing = { nodes: [], hostTasks: [], configs: [], owned: [] };
  const snapshot = { services: [app, ...others], networks: [aNetwork('app')], secrets, ...nothing };
  const { table } = buildDesiredState(snapshot, settings).clusters[0]!;
  return explainUrl(table, url, { httpsPort: 443 })!;
}

const textOf = (label: string, labels: Labels) =>
  explain(labels).effects.find((effect) => effect.label === label)?.text;

/** Labels without which the label has no effect. */
const required: Readonly<Record<string, Labels>> = {
  basic_auth_forward: { basic_auth: 'shop-users' },
  basic_auth_realm: { basic_auth: 'shop-users' },
  cookie_path: { context_root: '/app', context_root_rewrite: 'true' },
  cors_credentials: { cors: 'https://a.example.org' },
  cors_headers: { cors: 'https://a.example.org' },
  cors_max_age: { cors: 'https://a.example.org' },
  cors_methods: { cors: 'https://a.example.org' },
  error_page_statuses: { error_pages: 'pages' },
  forward_auth_headers: { forward_auth: 'http://auth/verify' },
  forward_auth_open: { forward_auth: 'http://auth/verify' },
  forward_auth_signin: { forward_auth: 'http://auth/verify' },
  mirror_percent: { mirror: 'shadow' },
  ssl_backend_ca: { ssl_backend: 'true' },
  ssl_backend_tls_verify: { ssl_backend: 'true', ssl_backend_ca: 'backend-ca' },
  ssl_client_verify: { ssl_client_ca: 'clients-ca' },
  sticky_cookie_age: { sticky_session_cookie: 'session' },
  sticky_cookie_domain: { sticky_session_cookie: 'session' },
  sticky_cookie_samesite: { sticky_session_cookie: 'session' },
  sticky_cookie_secure: { sticky_session_cookie: 'session' },
};

describe('the example of each label', () => {
  // A revocation list belongs to the TLS of the host, as ssl_client_ca does: features see only whether certificates are required.
  const unexplained = ['ssl_client_crl'];
  const examples = [
    ...Object.values(featureLabels).map(({ name, example }) => ({ name, example })),
    ...labelFamilies.map((family) => ({ name: beginningOf(family) + family.exampleName, example: family.example })),
  ].filter(({ name }) => !unexplained.includes(name));

  it('is explained in a sentence', () => {
    const texts = examples.map(({ name, example }) => [
      `${name}: ${example}`,
      textOf(name, { ...required[name], [name]: example }),
    ]);

    expect(Object.fromEntries(texts)).toMatchInlineSnapshot(`
      {
        "access_log: errors": "Only responses with a status from 400, and failed gRPC calls, are in the access log.",
        "allow: 10.20.0.0/16, @office": "Only clients from 10.20.0.0/16 or 192.0.2.0/24 are admitted; others receive 403.",
        "backend_path: /v2": "The service receives the path with /v2 in front.",
        "backend_protocol: grpc": "The service receives requests as gRPC.",
        "balance: hash:header:X-Tenant": "Requests with the same header x-tenant go to the same task.",
        "basic_auth: shop-users": "Clients sign in with a name and password from the secret shop-users; others receive 401. The service receives the name in X-Forwarded-User.",
        "basic_auth_forward: true": "The service receives the header Authorization, with name and password.",
        "basic_auth_realm: Shop": "Browsers show "Shop" when they ask for name and password.",
        "buffering: responses-off": "Responses are sent to the client as they arrive.",
        "compress: gzip": "Text responses of 1 KB or more are compressed with gzip, except for requests with Cookie or Authorization.",
        "connect_timeout: 2s": "If a task does not accept the connection within 2 s, the next task is tried.",
        "connection_limit: 20": "Each proxy accepts 20 requests in progress from one client address; others receive 429.",
        "context_root_rewrite: true": "The context root is stripped from the path.",
        "cookie_path: / /app": "Cookies that the service sets for / and paths below it apply to /app.",
        "cors: https://a.example.org, https://*.b.example.org": "Scripts of https://*.b.example.org and https://a.example.org may use the service. The proxies answer their preflight requests with 204, before any sign-in.",
        "cors_credentials: true": "Browsers send cookies and client certificates with requests of these scripts.",
        "cors_headers: Authorization, X-Tenant": "Scripts may set the request headers Authorization and X-Tenant.",
        "cors_max_age: 3600": "Browsers remember the answer to a preflight request for 3600 s.",
        "cors_methods: GET, POST": "Scripts may use the methods GET and POST.",
        "deny: 203.0.113.0/24": "Clients from 203.0.113.0/24 receive 403.",
        "error_page_statuses: 404, 5xx": "Errors with these statuses have such a page: 404, 500 to 599.",
        "error_pages: pages:8080": "For errors of the service, clients receive a page of pages:8080.",
        "fallback: waker:8080": "waker:8080 answers if the service has no tasks, or no task accepts the connection.",
        "forward_auth: http://auth:9091/api/verify": "http://auth:9091/api/verify decides about the request: 2xx admits it, 401 and 403 reject it, any other answer results in 503.",
        "forward_auth_headers: Remote-User, Remote-Groups": "The service receives Remote-Groups and Remote-User of its answer, never of the client.",
        "forward_auth_open: /health, /assets": "/assets and /health, with everything below, need no authentication.",
        "forward_auth_signin: https://auth.example.org/": "A 401 becomes a redirect to https://auth.example.org/, where clients sign in.",
        "ip_hash: true": "Requests from the same client address go to the same task.",
        "max_body_size: 100m": "Requests with a body larger than 100m receive 413.",
        "max_connections: 100": "Each proxy sends one task at most 100 requests at a time. If all tasks have that many, clients receive 502.",
        "mirror: shadow:8080": "shadow:8080 receives a copy of the request; its answer is dropped.",
        "mirror_percent: 10": "10 % of the requests are copied.",
        "rate_limit: 20r/s burst=40": "Each proxy accepts 20 requests per second from one client address, and 40 more at once; others receive 429.",
        "read_timeout: 60s": "If the response pauses for 60 s, the client receives 504, or the connection is closed.",
        "request_header.X-Tenant: acme": "The service receives X-Tenant with the value "acme".",
        "response_header.X-Frame-Options: DENY": "Clients receive X-Frame-Options with the value "DENY".",
        "response_header_size: 64k": "Responses with headers larger than 64k result in 502.",
        "retries: 502,503": "If a task answers 502 or 503, up to two other tasks are tried, for GET, HEAD, PUT, DELETE and OPTIONS.",
        "security_headers: strict": "Clients receive strict values of X-Content-Type-Options, X-Frame-Options, Referrer-Policy, Permissions-Policy, Cross-Origin-Opener-Policy, Cross-Origin-Resource-Policy and X-Permitted-Cross-Domain-Policies, and a Content-Security-Policy unless the service sends one.",
        "ssl_backend: true": "The proxies connect to the service over TLS.",
        "ssl_backend_ca: backend-ca": "The CA in the secret backend-ca must have signed the service's certificate.",
        "ssl_backend_name: app.internal": "With TLS to the service, the proxies send the host name app.internal (SNI).",
        "ssl_backend_tls_verify: required": "The proxies verify the service's certificate. Clients receive 502 if it is invalid.",
        "ssl_client_ca: clients-ca": "Clients are asked for a certificate that this CA has signed. The service receives the client's identity in X-SSL-Client-* headers.",
        "ssl_client_verify: optional": "Clients without a certificate are admitted too.",
        "ssl_only: true": "HTTP requests are redirected to HTTPS.",
        "sticky_cookie_age: 12h": "Clients keep the sticky cookie for 12h.",
        "sticky_cookie_domain: example.org": "Clients send the sticky cookie to all hosts of example.org.",
        "sticky_cookie_samesite: strict": "Clients never send the sticky cookie with requests from other sites.",
        "sticky_cookie_secure: true": "Clients send the sticky cookie only over TLS.",
        "sticky_session_cookie: app_session": "The cookie app_session_route returns a client to the same task. Clients that keep only the cookie app_session are assigned by its value.",
        "upstream_host: app.internal": "The service receives the host app.internal in the header Host.",
      }
    `);
  });

  it.each(examples)('$name is explained in one line that ends', ({ name, example }) => {
    expect(textOf(name, { ...required[name], [name]: example })).toMatch(/^[A-Z0-9a-z/].{15,300}\.$/);
  });
});

it.each<[label: string, value: string, text: string | undefined, others?: Labels]>([
  ['access_log', 'false', 'Requests are not in the access log.'],
  ['access_log', 'true', undefined],
  ['allow', '@office', 'Only clients from 192.0.2.0/24 are admitted; others receive 403.'],
  [
    'allow',
    Array.from({ length: 12 }, (_, n) => `10.0.0.${n + 10}`).join(),
    'Only clients from 10.0.0.10, 10.0.0.11, 10.0.0.12, 10.0.0.13, 10.0.0.14, 10.0.0.15, 10.0.0.16, 10.0.0.17 or 4 more are admitted; others receive 403.',
  ],
  ['backend_protocol', 'h2c', 'The service receives requests over HTTP/2 without TLS.'],
  ['backend_protocol', 'http', undefined],
  ['balance', 'hash:uri', 'Requests with the same path and query go to the same task.'],
  ['balance', 'least_conn', 'The task with the fewest requests in progress receives the request.'],
  ['balance', 'random', 'Of two random tasks, the one with fewer requests in progress receives the request.'],
  ['balance', 'round_robin', 'The tasks receive requests in turn.'],
  ['compress', 'always', 'Text responses of 1 KB or more are compressed with gzip.'],
  ['connection_limit', '1', 'Each proxy accepts 1 request in progress from one client address; others receive 429.'],
  ['cookie_path', '/a /a', undefined],
  [
    'cors',
    '*',
    'Scripts of any origin may use the service. The proxies answer their preflight requests with 204, before any sign-in.',
  ],
  ['cors_methods', 'GET, HEAD, POST, PUT, PATCH, DELETE', undefined, { cors: '*' }],
  ['fallback', 'nobody', 'No fallback answers: the proxies cannot reach nobody.'],
  ['max_body_size', '0', 'The size of request bodies is not limited.'],
  ['mirror', 'nobody', 'Nothing is copied: the proxies cannot reach nobody.'],
  ['mirror_percent', '100', undefined, { mirror: 'shadow' }],
  [
    'rate_limit',
    '30r/m burst=0 key=host',
    'Each proxy accepts 30 requests per minute for one host; others receive 429.',
  ],
  [
    'rate_limit',
    '1r/s key=header:X-Tenant try',
    'Each proxy accepts 1 request per second with the same header x-tenant, and 1 more at once; others are only logged.',
  ],
  ['request_header.X-Tenant', '', 'The service does not receive X-Tenant.'],
  ['request_header.X-Hash', '$apr1$a$b', 'The service receives X-Hash with the value "(hidden)".'],
  ['response_header.Server-Timing', '', 'Clients do not receive Server-Timing.'],
  ['retries', 'off', 'A request that may have reached a task is never sent to another.'],
  [
    'security_headers',
    'true',
    'Clients receive X-Content-Type-Options, X-Frame-Options, Referrer-Policy and Permissions-Policy, unless the service sends its own.',
  ],
  [
    'ssl_client_verify',
    'required',
    'Clients without a valid certificate receive 403.',
    { ssl_client_ca: 'clients-ca' },
  ],
  ['ssl_only', 'false', undefined],
  ['sticky_cookie_samesite', 'lax', undefined, { sticky_session_cookie: 'session' }],
  [
    'sticky_cookie_samesite',
    'none',
    'Clients send the sticky cookie with all requests from other sites too.',
    { sticky_session_cookie: 'session' },
  ],
])('%s = %s is explained as: %s %s', (label, value, text, others = {}) => {
  expect(textOf(label, { ...others, [label]: value })).toBe(text);
});

it('Effects are in the order in which a request meets them', () => {
  const { effects } = explain({
    access_log: 'errors',
    allow: '10.0.0.0/8',
    backend_path: '/v2',
    balance: 'random',
    basic_auth: 'shop-users',
    compress: 'true',
    cors: '*',
    deny: '10.1.0.0/16',
    forward_auth: 'http://auth/verify',
    max_body_size: '1m',
    rate_limit: '5r/s',
    'response_header.X-Frame-Options': 'DENY',
    ssl_only: 'true',
  });

  expect(effects.map(({ label }) => label)).toEqual([
    'ssl_only',
    'deny',
    'allow',
    'cors',
    'rate_limit',
    'max_body_size',
    'basic_auth',
    'forward_auth',
    'backend_path',
    'balance',
    'compress',
    'response_header.X-Frame-Options',
    'access_log',
  ]);
});

it.each([
  ['a route without such labels', {}, 'https://app.example.org/'],
  ['a redirect to HTTPS', { ssl_only: 'true', allow: '10.0.0.0/8' }, 'http://app.example.org/'],
  [
    'a redirect',
    { redirects: 'https://app.example.org,https://b.example.org', retries: 'off' },
    'https://app.example.org/',
  ],
  ['a closed route', { port: 'x', retries: 'off' }, 'https://app.example.org/'],
  ['an unknown path', { context_root: '/app', retries: 'off' }, 'https://app.example.org/b'],
  ['an unknown host', { retries: 'off' }, 'http://unknown.example.org/'],
  ['maintenance', { maintenance: 'true', retries: 'off' }, 'https://app.example.org/'],
])('%s has no effects', (_, labels, url) => {
  expect(explain(labels, url).effects).toEqual([]);
});

it('A fallback in place of a service without tasks has the protection of the service, and no other effects', () => {
  const labels = { fallback: 'waker:8080', allow: '10.0.0.0/8', retries: 'off' };
  const app = aService('app', { lb: labels, mode: { kind: 'replicated', replicas: 0 } });
  const nothing = { nodes: [], hostTasks: [], configs: [], secrets, owned: [] };
  const snapshot = { services: [app, aService('waker')], networks: [aNetwork('app')], ...nothing };
  const { table } = buildDesiredState(snapshot, settings).clusters[0]!;

  expect(explainUrl(table, 'http://app.example.org/', { httpsPort: 443 })!.effects).toEqual([
    { label: 'allow', text: 'Only clients from 10.0.0.0/8 are admitted; others receive 403.' },
  ]);
});
