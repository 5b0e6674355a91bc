import { z } from 'zod';
import { allowListSchema } from './allow-list.ts';
import { featureLabels, labelFamilies } from './features/features.ts';
import { type Host, parseHost } from './host.ts';
import { splitHosts } from './host-list.ts';
import {
  beginningOf,
  boolean,
  type LabelDefinition,
  type LabelFamily,
  label,
  pathPrefix,
  splitList,
  wholeNumber,
} from './label.ts';
import { isPolicyName } from './policy-name.ts';
import { shownValue } from './problem.ts';
import { REDIRECT_FORM, type RedirectEntry, redirectList } from './redirects.ts';

/** Slightly more permissive than Swarm's grammar for names of networks, secrets and clusters. */
const objectName = z
  .string()
  .trim()
  .regex(/^[a-zA-Z0-9][a-zA-Z0-9_. -]{0,127}$/, 'is not a name');

/** A secret is mounted as a file with its name. */
const secretName = z
  .string()
  .trim()
  .regex(/^[a-zA-Z0-9]([a-zA-Z0-9_.-]{0,62}[a-zA-Z0-9])?$/, 'is not the name of a secret')
  .refine((value) => !value.startsWith('signalbox.'), 'is a secret of the control channel');

const hostList = z
  .string()
  .transform((value) => splitHosts(value).map((entry) => ({ text: shownValue(entry), host: parseHost(entry) })));

const hostName = z
  .string()
  .trim()
  .transform((value, context) => {
    const host = parseHost(value);
    if (typeof host !== 'string' && host.kind === 'exact') return host.name;
    context.addIssue('is not the name of a host');
    return z.NEVER;
  });

export type BackendProtocol = 'http' | 'https' | 'h2c' | 'grpc' | 'grpcs';

/** Whether clients must present a certificate. */
export type ClientCertificate = 'none' | 'optional' | 'required';

/** `max-age` in seconds, optionally followed by the two keywords, in the format of the header. */
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

const MOST_POLICIES = 16;

export interface HostEntry {
  readonly text: string;
  /** The host, or the error of the entry. */
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
      'Host names that the route serves. A host may be a wildcard or, after `~`, a regular expression that runs in linear time ([limits](limits.md#regular-expressions)). `*.example.org` matches subdomains of any depth (`a.example.org`, `a.b.example.org`), but not `example.org`. A certificate for `*.example.org` covers one level only.',
    schema: hostList,
  }),
  port: label({
    name: 'port',
    policy: 'required',
    type: 'port, 1 to 65535',
    default: '',
    example: '8080',
    description: 'Container port that receives the requests. It does not need to be published.',
    schema: wholeNumber(1, 65_535),
  }),
  network: label({
    name: 'network',
    policy: 'required',
    type: 'name of a network',
    default: "the service's only network",
    example: 'demo_demo-network',
    description:
      'Overlay network through which the proxies reach the tasks. Required if the service has several networks. In a stack, the stack prefix is optional.',
    schema: objectName,
  }),
  context_root: label({
    name: 'context_root',
    policy: 'required',
    type: 'path',
    default: '/',
    example: '/app',
    description:
      'Path prefix that the service serves. Several services can share a host with different paths. Any RFC 3986 path is valid, percent-encoded or not: `/größe` and `/gr%C3%B6%C3%9Fe` are the same. `%2F` and control characters are rejected.',
    schema: pathPrefix,
  }),
  context_root_rewrite: label({
    name: 'context_root_rewrite',
    policy: 'optional',
    type: 'boolean',
    default: 'false',
    example: 'true',
    description: 'Strips the context root from the path before the request is forwarded.',
    schema: boolean,
  }),
  service_cluster: label({
    name: 'service_cluster',
    policy: 'required',
    type: 'name of a service cluster',
    default: 'the default service cluster',
    example: 'us-east',
    description: 'Service cluster that publishes the service. A service cluster is one extension with its proxies.',
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
    description: 'Serves requests for hosts that no other service claims. Does not require `hosts`.',
    schema: boolean,
  }),
  backend_mode: label({
    name: 'backend_mode',
    policy: 'optional',
    type: '`task` or `vip`',
    default: 'task',
    example: 'vip',
    description: "Sends requests directly to the tasks (`task`), or to the service's virtual IP (`vip`).",
    schema: z
      .string()
      .trim()
      .toLowerCase()
      .refine((value) => value === 'task' || value === 'vip', 'is neither task nor vip'),
  }),
  redirects: label<RedirectEntry[]>({
    name: 'redirects',
    policy: 'optional',
    type: `list of \`${REDIRECT_FORM}\`, separated by semicolons`,
    default: '',
    example: 'http://old.example.org,http://new.example.org',
    description:
      'Redirects requests for the source to the target, with status 302, or 301, 303, 307 or 308. The path and query are kept; if the source or target has a path, the rest of the path is appended: `https://app.example.org/blog,https://blog.example.org/posts,301`. The source must be one of the hosts. A source that begins with `http:` redirects HTTP requests only: `http://app,https://app` redirects to HTTPS. Without paths, redirects replace all routes of the host. With paths, routes with a longer `context_root` still answer.',
    schema: redirectList,
  }),
  canonical_host: label({
    name: 'canonical_host',
    policy: 'optional',
    type: 'one of the hosts',
    default: '',
    example: 'www.example.org',
    description:
      'Redirects requests for all other hosts of the route to this one with 308, keeping path, query and scheme; to HTTPS if `ssl_only` is `true`. Hosts with `redirects` are excepted.',
    schema: hostName,
  }),
  websocket_endpoints: label({
    name: 'websocket_endpoints',
    policy: 'optional',
    type: 'list of paths, separated by commas',
    default: '',
    example: '/ws,/chat',
    description: 'Accepted for compatibility. WebSockets work on every path.',
    schema: z.string(),
  }),
  sticky_session_cookie: label({
    name: 'sticky_session_cookie',
    policy: 'optional',
    type: 'name of a cookie',
    default: '',
    example: 'app_session',
    description:
      "The proxy sets the cookie `<name>_route`, which returns a client to the same task. Clients that keep only the application's cookie `<name>` are hashed by its value: each proxy sends equal values to the same task.",
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
      'Sends requests from the same client address to the same task. Requires `PublishMode = "host"`, `ProxyProtocolFrom` or `TrustedProxies`, because the routing mesh hides client addresses.',
    schema: boolean,
  }),
  max_fails: label({
    name: 'max_fails',
    policy: 'optional',
    type: 'whole number',
    default: '0',
    example: '3',
    description:
      'Number of failed requests within `fail_timeout` after which a task receives no requests for that time. 0 disables the check. Requests that the application drops count as failures, so one client can make a task unavailable for all clients. If all tasks have failed, all of them receive requests again.',
    schema: wholeNumber(0, 1000),
  }),
  fail_timeout: label({
    name: 'fail_timeout',
    policy: 'optional',
    type: 'time',
    default: '10s',
    example: '30s',
    description:
      'Time window in which `max_fails` failures are counted, and time for which the task then receives no requests.',
    schema: z
      .string()
      .trim()
      // nginx counts failures in whole seconds and rejects `ms` here.
      .regex(/^\d{1,6}[smh]?$/, 'is not a time such as 30s'),
  }),
  ssl_cert: label({
    name: 'ssl_cert',
    policy: 'protective',
    type: 'name of a secret',
    default: '',
    example: 'demo_app.example.org.cert',
    description:
      "Docker secret with the hosts' certificate chain in PEM format, leaf certificate first. In a stack, the stack prefix is optional. The proxies terminate TLS.",
    schema: secretName,
  }),
  ssl_key: label({
    name: 'ssl_key',
    policy: 'protective',
    type: 'name of a secret',
    default: 'the secret of `ssl_cert`',
    example: 'demo_app.example.org.key',
    description: 'Docker secret with the private key of the certificate, in PEM format and unencrypted.',
    schema: secretName,
  }),
  acme: label({
    name: 'acme',
    policy: 'protective',
    type: '`true`, `false` or the name of an issuer',
    default: 'the setting `Acme` of the cluster',
    example: 'letsencrypt',
    description:
      'Orders and renews a certificate for each host from an ACME server: `true` uses the only table `[Acme.<name>]` in the settings, a name that one. The proxies terminate TLS. Until a certificate exists, the hosts answer 503. See [ACME](guides/acme.md).',
    schema: z
      .string()
      .trim()
      .toLowerCase()
      .regex(/^[a-z0-9][a-z0-9_-]{0,31}$/, 'is not true, false or the name of an issuer')
      .refine((value) => value !== 'internal', 'is not supported yet: name an issuer of the settings'),
  }),
  ssl_passthrough: label({
    name: 'ssl_passthrough',
    policy: 'protective',
    type: 'boolean',
    default: 'false',
    example: 'true',
    description:
      'Forwards TLS connections to the service unchanged, selected by the host name in the TLS handshake (SNI). Over HTTP, only `ssl_only` and `redirects` apply.',
    schema: boolean,
  }),
  ssl_passthrough_proxy_protocol: label({
    name: 'ssl_passthrough_proxy_protocol',
    policy: 'required',
    type: 'boolean',
    default: 'false',
    example: 'true',
    description:
      "Starts each forwarded TLS connection with a PROXY protocol header (version 1), which passes the client's address to the service.",
    schema: boolean,
  }),
  hsts: label({
    name: 'hsts',
    policy: 'optional',
    type: '`true`, or seconds with `includeSubDomains` and `preload` behind them',
    default: 'false',
    example: '31536000; includeSubDomains',
    description:
      'Adds a `Strict-Transport-Security` header to responses over TLS, which makes browsers use only HTTPS for that time. `true` means one year.',
    schema: strictTransport,
  }),
  ssl_only: label({
    name: 'ssl_only',
    policy: 'protective',
    type: 'boolean',
    default: 'false',
    example: 'true',
    description:
      'Redirects HTTP requests to HTTPS: 301 for GET and HEAD, 308 for other methods. The path and query are kept.',
    schema: boolean,
  }),
  ssl_backend: label({
    name: 'ssl_backend',
    policy: 'protective',
    type: 'boolean',
    default: 'false',
    example: 'true',
    description: 'Uses TLS to connect to the service. Same as `backend_protocol` set to `https`.',
    schema: boolean,
  }),
  ssl_backend_tls_verify: label({
    name: 'ssl_backend_tls_verify',
    policy: 'protective',
    type: '`none` or `required`',
    default: 'none',
    example: 'required',
    description:
      "Whether the proxies verify the service's certificate against `ssl_backend_ca`. Defaults to `required` if that label is set.",
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
      "Docker secret with the certificate authority (CA) that must have signed the service's certificate, in PEM format. In a stack, the stack prefix is optional. If the CA is missing or invalid, the route answers 503.",
    schema: secretName,
  }),
  ssl_backend_name: label({
    name: 'ssl_backend_name',
    policy: 'required',
    type: 'host name',
    default: "the request's host",
    example: 'app.internal',
    description:
      "Host name that the proxies send to the service over TLS (SNI). The service's certificate must be valid for it.",
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
      "Docker secret with the certificate authority (CA) that must have signed the clients' certificates, in PEM format. In a stack, the stack prefix is optional. Requires `ssl_cert`. The client's identity is passed in `X-SSL-Client-*` headers. If the CA is missing or invalid, the hosts answer 503.",
    schema: secretName,
  }),
  ssl_client_verify: label<ClientCertificate>({
    name: 'ssl_client_verify',
    policy: 'protective',
    type: '`required` or `optional`',
    default: 'required',
    example: 'optional',
    description:
      'Whether clients must present a certificate signed by `ssl_client_ca`. With `required`, clients without one receive 403, and HTTP requests are redirected to HTTPS.',
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
    description:
      'Protocol of the service: HTTP/1.1 (`http`, or `https` with TLS), HTTP/2 without TLS (`h2c`), or gRPC (`grpc`, or `grpcs` with TLS).',
    schema: z
      .string()
      .trim()
      .toLowerCase()
      .pipe(z.enum(['http', 'https', 'h2c', 'grpc', 'grpcs'], 'is none of http, https, h2c, grpc, grpcs')),
  }),
  maintenance: label({
    name: 'maintenance',
    policy: 'protective',
    type: 'boolean',
    default: 'false',
    example: 'true',
    description:
      'Takes the route out of service: clients receive a 503 page with `Retry-After`. If other services share the host and path, they serve all requests.',
    schema: boolean,
  }),
  maintenance_allow: label({
    name: 'maintenance_allow',
    policy: 'optional',
    type: 'list of addresses and networks, separated by commas',
    default: '',
    example: '192.0.2.7, 10.20.0.0/16',
    description:
      'Client addresses that still reach the service during maintenance. Requires `PublishMode = "host"`, `ProxyProtocolFrom` or `TrustedProxies`, because the routing mesh hides client addresses.',
    schema: z.string().transform(splitList).pipe(allowListSchema),
  }),
  policy: label({
    name: 'policy',
    policy: 'protective',
    type: 'list of policies, separated by commas',
    default: '',
    example: 'office',
    description:
      'Applies labels that the settings define under this name: `[Policies.<name>]`. Labels of the service take precedence, then the first policy. If a policy does not exist, the route answers 503. See [policies](guides/policies.md).',
    schema: z
      .string()
      .transform(splitList)
      .superRefine((names, context) => {
        const wrong = names.find((name) => !isPolicyName(name));
        if (wrong !== undefined) context.addIssue(`contains ${shownValue(wrong)}, which is not the name of a policy`);
        if (names.length === 0) context.addIssue('is empty');
        if (names.length > MOST_POLICIES) context.addIssue(`names more than ${MOST_POLICIES} policies`);
      })
      .transform((names) => [...new Set(names)]),
  }),
  ...featureLabels,
} as const;

export type LabelName = keyof typeof labels | LabelFamily['name'];

/** The definition of a label, or of the family that it belongs to. */
export function definitionOf(name: string): LabelDefinition | LabelFamily | undefined {
  if (Object.hasOwn(labels, name)) return labels[name as keyof typeof labels] as LabelDefinition;
  return labelFamilies.find((family) => name.startsWith(beginningOf(family)));
}

/** An empty value, as `${VAR:-}` leaves it, means the same as no label. */
export function isUnset(value: string): boolean {
  return value.trim() === '';
}

/** UCP 3.0's documentation had `defaul_backend`, so services use it. */
export const labelAliases: Readonly<Record<string, LabelName>> = { defaul_backend: 'default_backend' };
