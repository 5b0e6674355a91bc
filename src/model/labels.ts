import { z } from 'zod';
import { allowListSchema } from './allow-list.ts';
import { type Host, parseHost } from './host.ts';
import { splitHosts } from './host-list.ts';
import { parsePath } from './path.ts';
import { shownValue } from './problem.ts';

/**
 * Every label that services may carry, each defined once: parsing, problems, the linter and the table in the README all
 * come from here.
 *
 * Policy for a bad value: an `optional` label is ignored and the route stays; a `required` or `protective` one closes
 * that route alone, which then answers 503.
 */
export interface LabelDefinition<T = unknown> {
  /** Name behind the prefix. */
  readonly name: string;
  readonly policy: 'required' | 'optional' | 'protective';
  readonly type: string;
  readonly default: string;
  readonly example: string;
  readonly description: string;
  readonly schema: z.ZodType<T, string>;
}

/** A proxy keeps as much for each response. */
export const MOST_RESPONSE_HEADER_KB = 256;

export const LABEL_PREFIX = 'com.docker.lb.';

function label<T>(definition: LabelDefinition<T>): LabelDefinition<T> {
  return definition;
}

const boolean = z
  .string()
  .trim()
  .toLowerCase()
  .refine((value) => ['true', 'false', '1', '0', 'yes', 'no', ''].includes(value), 'is neither true nor false')
  .transform((value) => ['true', '1', 'yes'].includes(value));

const wholeNumber = (min: number, max: number) =>
  z
    .string()
    .trim()
    .regex(/^\d{1,9}$/, 'is not a whole number')
    .transform(Number)
    .refine((value) => value >= min && value <= max, `is not between ${min} and ${max}`);

/** Swarm's own grammar for names of networks, secrets and clusters, a little wider. */
const objectName = z
  .string()
  .trim()
  .regex(/^[a-zA-Z0-9][a-zA-Z0-9_. -]{0,127}$/, 'is not a name');

/** A secret appears as a file of its name. */
const secretName = z
  .string()
  .trim()
  .regex(/^[a-zA-Z0-9]([a-zA-Z0-9_.-]{0,62}[a-zA-Z0-9])?$/, 'is not the name of a secret')
  .refine((value) => !value.startsWith('signalbox.'), 'is a secret of the control channel');

function splitList(value: string): string[] {
  return value
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');
}

const hostList = z
  .string()
  .transform((value) => splitHosts(value).map((entry) => ({ text: shownValue(entry), host: parseHost(entry) })));

/** Prefix of a path, decoded and normalized, without trailing slash; the empty string is the whole host. */
const contextRoot = z
  .string()
  .trim()
  .transform((value, context) => {
    const parsed = parsePath(value);
    if ('path' in parsed) return parsed.path;
    context.addIssue(parsed.reason);
    return z.NEVER;
  });

export type BackendProtocol = 'http' | 'https' | 'h2c' | 'grpc' | 'grpcs';

/** Whether clients show who they are. */
export type ClientCertificate = 'none' | 'optional' | 'required';

export interface Redirect {
  /** Host whose requests are sent elsewhere. */
  readonly host: string;
  /** Requests over TLS too. */
  readonly secure: boolean;
  /** Scheme, host and port to send them to. */
  readonly target: string;
}

const redirectList = z
  .string()
  .transform((value) => value.split(';').filter((pair) => pair.trim() !== ''))
  .transform((pairs, context): Redirect[] =>
    pairs.map((pair) => {
      const redirect = parseRedirect(pair);
      if (redirect === undefined)
        context.addIssue(`holds ${JSON.stringify(shownValue(pair.trim()))}, which is not <source>,<target>`);
      return redirect ?? { host: '', secure: false, target: '' };
    }),
  );

function parseRedirect(pair: string): Redirect | undefined {
  const [source, target, ...rest] = pair.split(',').map(parseOrigin);
  if (source === undefined || target === undefined || rest.length > 0) return undefined;
  return {
    host: source.host,
    secure: source.scheme === 'https',
    target: `${target.scheme}://${target.host}${target.port}`,
  };
}

/** `max-age` in seconds, with the two words that may stand behind it, in the header's own form. */
const strictTransport = z
  .string()
  .trim()
  .toLowerCase()
  .transform((value) => (value === 'true' ? 'max-age=31536000' : value))
  .transform((value) => value.replace(/^(?=\d)/, 'max-age=').replaceAll(/\s*;\s*/g, '; '))
  .transform((value) => value.replace('includesubdomains', 'includeSubDomains'))
  .refine(
    (value) => /^(false)?$|^max-age=\d{1,9}(; includeSubDomains)?(; preload)?$/.test(value),
    'is neither true nor a number of seconds, with includeSubDomains and preload behind it',
  )
  .transform((value) => (value === 'false' ? '' : value));

/** `http://host:port`, with nothing behind it but a slash; the host in the one form that hosts have. */
function parseOrigin(text: string) {
  const [, scheme, name = '', port = ''] =
    /^(https?):\/\/([^/?#:]+|\[[0-9a-f:.]+\])(:\d{1,5})?\/?$/i.exec(text.trim()) ?? [];
  const host = parseHost(name);
  if (scheme === undefined || typeof host === 'string' || host.kind !== 'exact') return undefined;
  return { scheme: scheme.toLowerCase(), host: host.name, port };
}

export interface HostEntry {
  readonly text: string;
  /** The host, or what is wrong with the entry. */
  readonly host: Host | string;
}

export const labels = {
  hosts: label<HostEntry[]>({
    name: 'hosts',
    policy: 'required',
    type: 'list of hosts, separated by commas',
    default: '',
    example: 'app.example.org, *.apps.example.org',
    description:
      'Names that the service answers to. A name may be a wildcard or, after `~`, a regular expression of linear time ([limits](docs/limits.md#regular-expressions)). `*.example.org` matches names of any depth (`a.example.org`, `a.b.example.org`), but not `example.org` itself. A certificate for `*.example.org` covers one level only.',
    schema: hostList,
  }),
  port: label({
    name: 'port',
    policy: 'required',
    type: 'port, 1 to 65535',
    default: '',
    example: '8080',
    description: 'Port of the container that requests are sent to. It need not be published.',
    schema: wholeNumber(1, 65_535),
  }),
  network: label({
    name: 'network',
    policy: 'required',
    type: 'name of a network',
    default: 'the only network of the service',
    example: 'demo_demo-network',
    description:
      'Overlay network over which the proxies reach the tasks. Needed when the service has several; in a stack with or without its prefix.',
    schema: objectName,
  }),
  context_root: label({
    name: 'context_root',
    policy: 'required',
    type: 'path',
    default: '/',
    example: '/app',
    description:
      'Path below the hosts that belongs to the service. Several services may share a host by path. Any path of RFC 3986, percent-encoded or not: `/größe` and `/gr%C3%B6%C3%9Fe` are the same. `%2F` and control characters are rejected.',
    schema: contextRoot,
  }),
  context_root_rewrite: label({
    name: 'context_root_rewrite',
    policy: 'optional',
    type: 'boolean',
    default: 'false',
    example: 'true',
    description: 'Take the context root off the path before the request reaches the service.',
    schema: boolean,
  }),
  service_cluster: label({
    name: 'service_cluster',
    policy: 'required',
    type: 'name of a service cluster',
    default: 'the default cluster',
    example: 'us-east',
    description: 'Service cluster, that is the pair of extension and proxy, which publishes the service.',
    schema: z
      .string()
      .trim()
      .regex(/^[a-zA-Z0-9_.-]{0,64}$/, 'is not the name of a service cluster'),
  }),
  default_backend: label({
    name: 'default_backend',
    policy: 'optional',
    type: 'boolean',
    default: 'false',
    example: 'true',
    description: 'Answer requests for hosts that nobody else answers to. Needs no hosts.',
    schema: boolean,
  }),
  backend_mode: label({
    name: 'backend_mode',
    policy: 'optional',
    type: '`task` or `vip`',
    default: 'task',
    example: 'vip',
    description: "Send requests to the tasks themselves, or to the service's virtual address.",
    schema: z
      .string()
      .trim()
      .toLowerCase()
      .refine((value) => value === 'task' || value === 'vip', 'is neither task nor vip'),
  }),
  redirects: label({
    name: 'redirects',
    policy: 'optional',
    type: 'list of `<source>,<target>` pairs, separated by semicolons',
    default: '',
    example: 'http://old.example.org,http://new.example.org',
    description:
      'Requests for the source, one of the hosts, are answered with 302 to the target; path and query are kept. Over HTTP only, where the source begins with `http`: `http://app,https://app` leads to HTTPS.',
    schema: redirectList,
  }),
  websocket_endpoints: label({
    name: 'websocket_endpoints',
    policy: 'optional',
    type: 'list of paths, separated by commas',
    default: '',
    example: '/ws,/chat',
    description: 'Kept for compatibility: WebSockets work on every path.',
    schema: z.string(),
  }),
  sticky_session_cookie: label({
    name: 'sticky_session_cookie',
    policy: 'optional',
    type: 'name of a cookie',
    default: '',
    example: 'app_session',
    description:
      'Clients are led to the same task again by the cookie `<name>_route`, which the proxy sets; of those that keep only this cookie of the application, each proxy leads equal values to the same task.',
    schema: z
      .string()
      .trim()
      .transform((value) => (value === 'none' ? '' : value))
      .refine((value) => /^[A-Za-z0-9_.-]{0,64}$/.test(value), 'is not the name of a cookie'),
  }),
  ip_hash: label({
    name: 'ip_hash',
    policy: 'optional',
    type: 'boolean',
    default: 'false',
    example: 'true',
    description:
      'Requests from the same address reach the same task. Wants `PublishMode = "host"`: the mesh hides clients\' addresses.',
    schema: boolean,
  }),
  max_fails: label({
    name: 'max_fails',
    policy: 'optional',
    type: 'whole number',
    default: '0',
    example: '3',
    description:
      'Failed requests within `fail_timeout` after which a task gets none for that time; 0 never. Requests that the application drops count, too, so that one client can take a task from all. If no task is left, all get requests again.',
    schema: wholeNumber(0, 1000),
  }),
  fail_timeout: label({
    name: 'fail_timeout',
    policy: 'optional',
    type: 'time',
    default: '10s',
    example: '30s',
    description: 'Time in which `max_fails` failures count, and for which the task then gets no requests.',
    schema: z
      .string()
      .trim()
      // nginx counts failures in whole seconds and refuses `ms` here.
      .regex(/^\d{1,6}[smh]?$/, 'is not a time such as 30s'),
  }),
  ssl_cert: label({
    name: 'ssl_cert',
    policy: 'protective',
    type: 'name of a secret',
    default: '',
    example: 'demo_app.example.org.cert',
    description:
      "Docker secret with the hosts' certificate and its chain, in PEM, the own certificate first; in a stack with or without its prefix. TLS ends at the proxies.",
    schema: secretName,
  }),
  ssl_key: label({
    name: 'ssl_key',
    policy: 'protective',
    type: 'name of a secret',
    default: 'the secret of `ssl_cert`',
    example: 'demo_app.example.org.key',
    description: 'Docker secret with the key of that certificate, in PEM and not encrypted.',
    schema: secretName,
  }),
  ssl_passthrough: label({
    name: 'ssl_passthrough',
    policy: 'protective',
    type: 'boolean',
    default: 'false',
    example: 'true',
    description:
      'TLS connections are handed on to the service as they are, by the name that the client asks for (SNI). Over HTTP only `ssl_only` and `redirects` answer.',
    schema: boolean,
  }),
  ssl_passthrough_proxy_protocol: label({
    name: 'ssl_passthrough_proxy_protocol',
    policy: 'required',
    type: 'boolean',
    default: 'false',
    example: 'true',
    description:
      "Begin connections that are handed on with a PROXY header (version 1), which tells the client's address.",
    schema: boolean,
  }),
  hsts: label({
    name: 'hsts',
    policy: 'optional',
    type: '`true`, or seconds with `includeSubDomains` and `preload` behind them',
    default: 'false',
    example: '31536000; includeSubDomains',
    description:
      'Answers over TLS tell browsers to use nothing else for that time (Strict-Transport-Security); `true` is a year.',
    schema: strictTransport,
  }),
  ssl_only: label({
    name: 'ssl_only',
    policy: 'protective',
    type: 'boolean',
    default: 'false',
    example: 'true',
    description:
      'Requests over HTTP are sent to HTTPS: 301, for other methods than GET and HEAD 308. Path and query are kept.',
    schema: boolean,
  }),
  ssl_backend: label({
    name: 'ssl_backend',
    policy: 'protective',
    type: 'boolean',
    default: 'false',
    example: 'true',
    description: 'Speak TLS to the service; the same as `backend_protocol` https.',
    schema: boolean,
  }),
  ssl_backend_tls_verify: label({
    name: 'ssl_backend_tls_verify',
    policy: 'protective',
    type: '`none` or `required`',
    default: 'none',
    example: 'required',
    description:
      "Whether the service's certificate is verified, against `ssl_backend_ca`; beside that label `required` is the default.",
    schema: z
      .string()
      .trim()
      .toLowerCase()
      .refine((value) => ['', 'none', 'required'].includes(value), 'is neither none nor required')
      .transform((value) => value === 'required'),
  }),
  ssl_backend_ca: label({
    name: 'ssl_backend_ca',
    policy: 'protective',
    type: 'name of a secret',
    default: '',
    example: 'backend-ca',
    description:
      "Docker secret with the CA that the service's certificate must be signed by, in PEM; in a stack with or without its prefix. Without a right one the route answers 503.",
    schema: secretName,
  }),
  ssl_backend_name: label({
    name: 'ssl_backend_name',
    policy: 'required',
    type: 'host name',
    default: 'the host that the client asked for',
    example: 'app.internal',
    description: 'Name that is asked for (SNI) when TLS is spoken to the service, and that its certificate must cover.',
    schema: z
      .string()
      .trim()
      .toLowerCase()
      .regex(/^[a-z0-9]([a-z0-9_.-]{0,251}[a-z0-9])?$/, 'is not the name of a host'),
  }),
  ssl_client_ca: label({
    name: 'ssl_client_ca',
    policy: 'protective',
    type: 'name of a secret',
    default: '',
    example: 'clients-ca',
    description:
      "Docker secret with the CA that clients' certificates must be signed by, in PEM; in a stack with or without its prefix. Wants `ssl_cert`. Who they are is told in `X-SSL-Client-*`. Without a right CA the hosts answer 503.",
    schema: secretName,
  }),
  ssl_client_verify: label<ClientCertificate>({
    name: 'ssl_client_verify',
    policy: 'protective',
    type: '`required` or `optional`',
    default: 'required',
    example: 'optional',
    description:
      'Whether clients must show a certificate of `ssl_client_ca`: those that do not get 403, and requests over HTTP are sent to HTTPS.',
    schema: z
      .string()
      .trim()
      .toLowerCase()
      .pipe(z.enum(['required', 'optional'], 'is neither required nor optional')),
  }),
  backend_protocol: label<BackendProtocol>({
    name: 'backend_protocol',
    policy: 'required',
    type: '`http`, `https`, `h2c`, `grpc` or `grpcs`',
    default: 'http',
    example: 'grpc',
    description: 'What the service speaks: HTTP/1.1 with or without TLS, HTTP/2 without TLS, gRPC with or without TLS.',
    schema: z
      .string()
      .trim()
      .toLowerCase()
      .pipe(z.enum(['http', 'https', 'h2c', 'grpc', 'grpcs'], 'is none of http, https, h2c, grpc, grpcs')),
  }),
  response_header_size: label({
    name: 'response_header_size',
    policy: 'optional',
    type: 'size from 4k to 256k',
    default: '`ResponseHeaderSize` of the settings: 32k',
    example: '64k',
    description:
      'Largest headers of a response, cookies included. Clients get 502 in place of a response with larger ones.',
    schema: z
      .string()
      .trim()
      .regex(/^\d{1,3}[kK]$/, 'is not a size such as 64k')
      .transform((value) => Number.parseInt(value, 10))
      .refine((kb) => kb >= 4 && kb <= MOST_RESPONSE_HEADER_KB, `is not between 4k and ${MOST_RESPONSE_HEADER_KB}k`),
  }),
  maintenance: label({
    name: 'maintenance',
    policy: 'protective',
    type: 'boolean',
    default: 'false',
    example: 'true',
    description:
      'Close the route for a while: clients get a 503 page with Retry-After. Where other services share host and path, those answer alone.',
    schema: boolean,
  }),
  maintenance_allow: label({
    name: 'maintenance_allow',
    policy: 'optional',
    type: 'list of addresses and networks, separated by commas',
    default: '',
    example: '192.0.2.7, 10.20.0.0/16',
    description:
      'Clients that still pass while the route is closed. Wants `PublishMode = "host"` or `ProxyProtocolFrom`: the mesh hides clients\' addresses.',
    schema: z.string().transform(splitList).pipe(allowListSchema),
  }),
} as const;

export type LabelName = keyof typeof labels;

/** An empty value, as `${VAR:-}` leaves it, means the same as no label. */
export function isUnset(value: string): boolean {
  return value.trim() === '';
}

/** `defaul_backend` stood in UCP 3.0's documentation, so services carry it. */
export const labelAliases: Readonly<Record<string, LabelName>> = { defaul_backend: 'default_backend' };
