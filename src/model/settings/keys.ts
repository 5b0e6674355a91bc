import { z } from 'zod';
import { roleSchema } from '../access/roles.ts';
import { isHostTemplate } from '../default-host.ts';

/**
 * All keys of the settings file: each is defined once with its grammar, default and description. The names are Interlock's. They are
 * case-insensitive, because its documentation spelled some of them in two ways.
 */
export interface KeyDefinition<T = unknown> {
  readonly schema: z.ZodType<T>;
  readonly default: T;
  readonly description: string;
}

type KeyTable = Readonly<Record<string, KeyDefinition>>;
export type KeyValues<T extends KeyTable> = {
  readonly [K in keyof T]: T[K] extends KeyDefinition<infer V> ? V : never;
};

export function key<T>(schema: z.ZodType<T>, fallback: NoInfer<T>, description: string): KeyDefinition<T> {
  return { schema, default: fallback, description };
}

const text = z.string();
const list = z.array(z.string());
const map = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]).transform(String));
const flag = z.boolean();
const port = z.int().min(1).max(65_535);
export const MOST_PORTS = 100;
const portList = z
  .array(port)
  .max(MOST_PORTS, `has more than ${MOST_PORTS} ports`)
  .transform((ports) => [...new Set(ports)].toSorted((a, b) => a - b));
const count = z.int().min(0).max(1_000_000);
const DAY_MS = 86_400_000;

const UNIT_MS = { ns: 1e-6, us: 1e-3, ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const;

/** Go's durations, such as `1m30s`; a plain number is in seconds. The result is in milliseconds. */
export const duration = z.union([z.string(), z.number()]).transform((value, context) => {
  const written = typeof value === 'number' ? `${value}s` : value.trim();
  const parts = [...written.matchAll(/(\d+(?:\.\d+)?)(ns|us|ms|s|m|h)/g)];
  if (parts.length === 0 || parts.map(([part]) => part).join('') !== written) {
    context.addIssue('is not a duration such as 3s or 1m30s');
    return z.NEVER;
  }
  return parts.reduce((sum, [, amount, unit]) => sum + Number(amount) * UNIT_MS[unit as keyof typeof UNIT_MS], 0);
});

/** nginx's sizes and times: these strings become part of the configuration, so few characters are allowed. */
const size = z.union([z.string().regex(/^\d{1,9}[kKmMgG]?$/, 'is not a size such as 32m'), count.transform(String)]);
/** Docker's minimum is 6 MB; none of our programs starts with less than this. */
const memory = z
  .string()
  .regex(
    /^(0|6[4-9][mM]|[7-9]\d[mM]|\d{3,6}[mM]|[1-9]\d{0,3}[gG])$/,
    'is not a size from 64m, such as 512m or 4g, or 0',
  );
const nginxTime = z.union([
  z.string().regex(/^(?=\d)(\d{1,9}(ms|s|m|h|d))*(\d{1,9})?$/, 'is not a time such as 75s'),
  count.transform((seconds) => `${seconds}s`),
]);
export const secretName = z
  .string()
  .regex(/^([a-zA-Z0-9]([a-zA-Z0-9_.-]{0,62}[a-zA-Z0-9])?)?$/, 'is not the name of a secret')
  .refine((value) => !value.startsWith('signalbox.'), 'is a secret of the control channel');
const networkList = z.array(
  z.string().regex(/^[0-9a-f.:]{2,45}(\/\d{1,3})?$/i, 'is not an address or a network such as 10.0.0.0/8'),
);
export const CLIENT_ADDRESS_HEADERS = ['X-Forwarded-For', 'CF-Connecting-IP', 'True-Client-IP', 'Forwarded'] as const;
const filePath = z.string().regex(/^\/[A-Za-z0-9_./:-]*$|^$/, 'is not an absolute path');

export const coreKeys = {
  ListenAddr: key(text, '', 'Accepted and not used: the controller connects to the extensions.'),
  DockerURL: key(text, 'unix:///var/run/docker.sock', 'Address of the Docker API.'),
  TLSCACert: key(text, '', 'File with the CA of the Docker API.'),
  TLSCert: key(text, '', 'File with the client certificate for the Docker API.'),
  TLSKey: key(text, '', 'File with the private key of the client certificate.'),
  AllowInsecure: key(flag, false, "Skips verification of the Docker API's certificate."),
  PollInterval: key(
    duration.refine((ms) => ms >= 100 && ms <= DAY_MS, 'is not between 100ms and 24h'),
    3000,
    'Time between two complete reads of the swarm, in addition to Docker events. In large swarms the reads are less frequent: they take at most 1/300 of the time, and less while changes are in progress.',
  ),
  EndpointOverride: key(text, '', 'Accepted and not used: see `ListenAddr`.'),
  HostsMode: key(
    z.enum(['open', 'first', 'listed'], 'is not open, first or listed'),
    'open',
    'Who may claim a host that `[Hosts]` does not list: any service (`open`), the stack of the oldest service that claims it (`first`), or no service (`listed`).',
  ),
  UsersSecret: key(
    secretName,
    '',
    'Docker secret with the users of the page and the API, one per line: see [users.md](users.md). By default, only `admin` and `viewer` exist.',
  ),
  RegistrySecret: key(
    secretName,
    '',
    'Docker secret with a `config.json` as `docker login` writes it. Nodes use it to pull the images of the extension and the proxies. Default: images are pulled without signing in.',
  ),
} satisfies KeyTable;

/** Connections to this machine cannot be intercepted. */
const LOOPBACK = ['localhost', '127.0.0.1', '[::1]'];

/** Whether a text is a URL without credentials, query and fragment, over HTTPS or on this machine. */
export function isIssuer(text: string): boolean {
  const url = URL.parse(text);
  if (url === null || url.search !== '' || url.hash !== '' || url.username !== '' || url.password !== '') return false;
  return url.protocol === 'https:' || (url.protocol === 'http:' && LOOPBACK.includes(url.hostname));
}

export const oidcKeys = {
  Issuer: key(
    z.string().refine(isIssuer, 'is not a URL such as https://id.example.org'),
    '',
    'URL of the OpenID provider, exactly as in its discovery document. Required.',
  ),
  ClientId: key(z.string().max(200), '', 'Client ID of Signalbox at the provider. Required.'),
  ClientSecret: key(secretName, '', 'Docker secret with the client secret. Default: a public client without a secret.'),
  CA: key(
    secretName,
    '',
    "Docker secret with the CA of the provider's certificate, in PEM format. Default: the CAs that Node.js trusts.",
  ),
  Scopes: key(
    z.array(z.string().regex(/^[\x21\x23-\x5B\x5D-\x7E]+$/, 'is not a scope')),
    ['openid', 'profile', 'email'],
    'Scopes to request. Some providers require an additional scope for groups.',
  ),
  GroupsClaim: key(z.string().min(1), 'groups', "Claim with the user's groups: a list, or one name."),
  Groups: key(
    z.record(z.string(), roleSchema),
    {},
    'Role of each group: `"platform team" = "administrator"`. Users in several groups have the highest role. Users in none of the groups cannot sign in.',
  ),
} satisfies KeyTable;

export const extensionKeys = {
  Acme: key(
    z.string().regex(/^(?:[A-Za-z0-9][\w-]{0,31})?$/, 'is not the name of an issuer'),
    '',
    'Issuer of certificates for hosts of services without the labels `acme`, `ssl_cert`, `ssl_key` and `ssl_passthrough`: `true` for the only issuer, or the name of a table `[Acme.<name>]`.',
  ),
  Image: key(text, '', 'Image of the extension. Default: the image of this release.'),
  Args: key(list, [], 'Arguments of the extension.'),
  Labels: key(map, {}, 'Labels of the extension service.'),
  ContainerLabels: key(map, {}, "Labels of the extension's containers."),
  Networks: key(
    list.nullable(),
    null,
    'The proxies join only these networks. Default: the networks of the routed services.',
  ),
  Constraints: key(
    list.nullable(),
    null,
    'Placement constraints of the extension. Default: workers, if there are any. See [placement](placement.md).',
  ),
  PlacementPreferences: key(list, [], 'Placement preferences of the extension, for example `spread=node.labels.zone`.'),
  ServiceName: key(
    text,
    '',
    'Name of the extension service. Default: `signalbox-extension`, followed by `-<name>` for tables other than `default`.',
  ),
  ServiceCluster: key(
    text,
    '',
    'Service cluster that this table publishes: services with this value of the label `service_cluster`. If empty, services without the label.',
  ),
  MemoryLimit: key(
    memory,
    '4g',
    'Memory limit of the extension, including its `/tmp`. 0 disables the limit. The extension uses about 1.3 GB for 10,000 services.',
  ),
  PidsLimit: key(
    count,
    1024,
    'Maximum number of processes and threads of the extension. 0 disables the limit. The extension uses 20.',
  ),
  ProxyImage: key(text, '', 'Image of the proxies. Default: the image of this release.'),
  SecretDelivery: key(
    z.enum(['auto', 'in-place', 'mounted'], 'is not auto, in-place or mounted'),
    'auto',
    'How TLS secrets reach the proxies: encrypted and without a restart (`in-place`), or mounted by Swarm, which replaces the proxies for each new secret (`mounted`). `auto` means in place if `HitlessServiceUpdate` is true and `ProxyImage` is not set.',
  ),
  ProxyArgs: key(list, [], 'Arguments of the proxies.'),
  ProxyLabels: key(map, {}, 'Labels of the proxy service.'),
  ProxyContainerLabels: key(map, {}, "Labels of the proxies' containers."),
  ProxyServiceName: key(
    text,
    '',
    'Name of the proxy service. Default: `signalbox-proxy`, followed by `-<name>` for tables other than `default`.',
  ),
  ProxyConfigPath: key(filePath, '/etc/nginx/nginx.conf', 'Path of the nginx configuration in the proxies.'),
  ProxyReplicas: key(
    z.union([count, z.literal('global')], { error: 'must be a number, or `global`' }),
    2,
    'Number of proxies, or `global`: one proxy on each node that the constraints allow, also on nodes that join later. Swarm cannot change the mode of a service: between a number and `global`, all proxies are replaced, and no proxy answers for a few seconds.',
  ),
  ProxyTmpSize: key(
    z.string().regex(/^(?:3[2-9]|[4-9]\d|\d{3,5})[mM]$/, 'is not a size from 32m, such as 128m'),
    '128m',
    "Size of a proxy's `/tmp`, which is in memory. It holds versions of the configuration, and requests that are not counted yet.",
  ),
  ProxyMemoryLimit: key(
    memory,
    '16g',
    'Memory limit of one proxy, including its `/tmp`. 0 disables the limit. If a proxy exceeds it, the kernel kills one of its nginx processes. See [limits](limits.md#limits-of-the-containers).',
  ),
  ProxyPidsLimit: key(
    count,
    16_384,
    'Maximum number of processes and threads of one proxy. 0 disables the limit. After each change of routes, workers with open connections keep running for up to `WorkerShutdownTimeout`.',
  ),
  ProxyStopSignal: key(z.string().regex(/^[A-Z0-9]+$/), 'SIGQUIT', 'Signal that stops a proxy.'),
  ProxyStopGracePeriod: key(duration, 30_000, 'Time that a stopping proxy has to finish its requests.'),
  ProxyConstraints: key(
    list.nullable(),
    null,
    'Placement constraints of the proxies. Default: workers, if there are any. See [placement](placement.md).',
  ),
  ProxyPlacementPreferences: key(
    list,
    [],
    'Placement preferences of the proxies, for example `spread=node.labels.zone`.',
  ),
  ProxyUpdateDelay: key(duration, 0, 'Delay between two proxies in a rolling update.'),
  PublishMode: key(
    z.enum(['ingress', 'host']),
    'ingress',
    'Publishes ports on all nodes (`ingress`), or only on nodes that run proxies (`host`).',
  ),
  PublishedPort: key(port, 8080, 'Published HTTP port.'),
  TargetPort: key(port, 80, 'HTTP port in the proxies.'),
  PublishedSSLPort: key(port, 8443, 'Published HTTPS port.'),
  TargetSSLPort: key(port, 443, 'HTTPS port in the proxies.'),
  IPv6: key(
    z
      .union([z.boolean(), z.string()])
      .transform((value) => String(value).trim().toLowerCase())
      .pipe(z.enum(['auto', 'true', 'false'], 'is not auto, true or false')),
    'auto',
    'Whether proxies also listen on IPv6 addresses. Clients reach them there with `PublishMode = "host"`, if the proxies\' network has IPv6: see [client addresses](guides/client-addresses.md#ipv6). `auto`: if the nodes\' addresses in the swarm are IPv6 addresses. `true` requires IPv6 in the kernel of all nodes.',
  ),
  TcpPorts: key(
    portList,
    [],
    'Published ports for TCP, in addition to HTTP and HTTPS, as `[5432, 6379]`. Services use them with the label `tcp_port`. See [TCP and UDP](guides/tcp-udp.md). A change replaces all proxies.',
  ),
  UdpPorts: key(
    portList,
    [],
    'Published ports for UDP, as `[53]`. Services use them with the label `udp_port`. A change replaces all proxies.',
  ),
  ProxyProtocolFrom: key(
    networkList,
    [],
    "Addresses or networks of load balancers that pass the client's address with the PROXY protocol. If set, every connection must begin with a PROXY header.",
  ),
  TrustedProxies: key(
    networkList,
    [],
    "Addresses or networks of load balancers whose headers about the client are trusted: the client's address (`ClientAddressHeader`), `X-Forwarded-Proto`, `X-Forwarded-Host` and `X-Forwarded-Port`. Default: none.",
  ),
  ClientAddressHeader: key(
    z.enum(CLIENT_ADDRESS_HEADERS),
    'X-Forwarded-For',
    "Header in which trusted proxies pass the client's address. Lists are read from right to left, past up to four trusted proxies. With `Forwarded`, the scheme and host are also read from this header.",
  ),
  PublicPort: key(
    port.nullable(),
    null,
    "HTTP port that clients use, if a load balancer uses a different port than the swarm. Applications receive it in `X-Forwarded-Port` if the client's `Host` header has no port. Default: 80.",
  ),
  PublicSSLPort: key(
    port.nullable(),
    null,
    'HTTPS port that clients use, as `PublicPort` for HTTP. Redirects to HTTPS contain it, unless it is 443. Default: 443 for applications, `PublishedSSLPort` for redirects.',
  ),
  DefaultHost: key(
    z
      .string()
      .refine(
        (text) => text === '' || isHostTemplate(text),
        'is not a host name with {service}, such as {service}.{stack}.apps.example.org',
      ),
    '',
    'Host of services that have the label `port` but not `hosts`, such as `{service}.{stack}.apps.example.org`. See [default hosts](#default-hosts). By default, `hosts` is required.',
  ),
  DefaultCertificate: key(
    secretName,
    '',
    'Docker secret with the certificate and key for TLS connections to unknown hosts, and to hosts with an invalid certificate. Unknown hosts answer with the default backend, if there is one; otherwise the response is 503. By default, these TLS handshakes fail.',
  ),
  Certificates: key(
    z.array(secretName.refine((name) => name !== '', 'is empty')),
    [],
    'Docker secrets, each with a certificate chain and its key, for hosts without a certificate of their own: the proxies also serve every host that one of them covers over HTTPS. Exact names precede wildcards, then the later expiry decides. The labels `ssl_cert`, `ssl_passthrough` and `acme`, and the setting `Acme`, take precedence. See [TLS](tls.md#certificates-for-many-hosts). Requires `HitlessServiceUpdate`.',
  ),
  Metrics: key(
    flag,
    true,
    "Exposes each proxy's metrics at `https://<task>:9146/metrics`, on the control network only. See [metrics](metrics.md#of-the-proxies). Requires `HitlessServiceUpdate`.",
  ),
  MetricsSecret: key(
    secretName,
    '',
    "Docker secret with a token. Clients on all networks of the proxies can then read each proxy's metrics, but only with this token. By default, clients on the control network can read them without a token.",
  ),
  Template: key(text, '', 'Docker config with a custom template. See [template.md](template.md).'),
  UnavailablePage: key(
    text,
    '',
    'Docker config with an HTML page of up to 64 KB for 503 responses if no service is available. Default: a short page.',
  ),
  MaintenancePage: key(
    text,
    '',
    'Docker config with an HTML page of up to 64 KB for routes under maintenance. Default: a short page.',
  ),
  NotFoundPage: key(
    text,
    '',
    'Docker config with an HTML page of up to 64 KB for 404 responses to paths that no route of the host covers. Services answer with their own pages. Default: a short page.',
  ),
  HitlessServiceUpdate: key(
    flag,
    true,
    'Applies route changes in the running proxies. New proxy tasks start only if networks or secrets must be attached.',
  ),
  FollowTasks: key(
    z.enum(['auto', 'dns', 'addresses'], 'is not auto, dns or addresses'),
    'auto',
    "How proxies find the tasks of services: by name through Docker's DNS (`dns`), by the addresses in Swarm's task list (`addresses`), or by name until the agents find a name that is wrong, missing or not answered (`auto`). `addresses` requires `HitlessServiceUpdate`, and makes all proxies hash a client to the same task.",
  ),
  ProxyReloadInterval: key(
    duration.refine((ms) => ms <= 60_000, 'is longer than 1m'),
    1000,
    'Minimum time between two changes in place. The first change is applied immediately. Further changes within this time are combined.',
  ),
  ConfigImage: key(text, '', 'Accepted and not used: no separate config service is needed.'),
  ConfigServiceName: key(text, '', 'Accepted and not used: see `ConfigImage`.'),
} satisfies KeyTable;

/** Mozilla's intermediate list for TLS 1.2; the suites of TLS 1.3 are not configured. */
const INTERMEDIATE_CIPHERS = [
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
].join(':');

export const nginxKeys = {
  Version: key(text, '', 'Accepted and not used.'),
  HTTPVersion: key(z.enum(['1.0', '1.1']), '1.1', 'HTTP version of requests to the services.'),
  User: key(z.string().regex(/^[a-z0-9_-]*$/), '', 'Accepted and not used: proxies never run as root.'),
  PidPath: key(text, '', 'Accepted and not used: only `/tmp` is writable in a proxy.'),
  MaxConnections: key(count, 4096, 'Maximum number of connections per worker process.'),
  ConnectTimeout: key(count, 5, 'Timeout for a connection to a task, in seconds.'),
  SendTimeout: key(count, 60, 'Timeout between two writes to a client or a task, in seconds.'),
  ReadTimeout: key(
    count,
    600,
    'Timeout between two reads from a task, in seconds. It also applies to idle WebSockets.',
  ),
  IPHash: key(flag, false, 'Applies the label `ip_hash` to all services.'),
  AdminUser: key(text, '', 'Accepted and not used (HAProxy).'),
  AdminPass: key(text, '', 'Accepted and not used (HAProxy).'),
  ClientTimeout: key(z.unknown(), '', 'Accepted and not used (HAProxy): see `KeepaliveTimeout`.'),
  ServerTimeout: key(z.unknown(), '', 'Accepted and not used (HAProxy): see `ReadTimeout`.'),
  DefaultOptions: key(z.unknown(), '', 'Accepted and not used (HAProxy).'),
  SSLOpts: key(text, '', 'Accepted and not used.'),
  SSLDefaultDHParam: key(count, 0, 'Accepted and not used: DHE is disabled.'),
  SSLDefaultDHParamPath: key(text, '', 'Accepted and not used: DHE is disabled.'),
  SSLVerify: key(text, 'required', 'Accepted and not used.'),
  WorkerProcesses: key(
    z.union([z.literal('auto'), z.string().regex(/^\d{1,3}$/), count.transform(String)]),
    'auto',
    'Number of nginx worker processes, or `auto`.',
  ),
  RLimitNoFile: key(
    count,
    0,
    "Maximum number of open files per worker process, up to the node's limit. Default: the node's limit.",
  ),
  SSLCiphers: key(
    z.string().regex(/^[A-Za-z0-9_:!+@=-]+$/, 'is not a list of ciphers'),
    INTERMEDIATE_CIPHERS,
    "Ciphers for TLS 1.2. Default: Mozilla's intermediate list.",
  ),
  SSLProtocols: key(
    z.string().regex(/^TLSv1(\.[1-3])?( TLSv1(\.[1-3])?)*$/, 'is not a list such as TLSv1.2 TLSv1.3'),
    'TLSv1.2 TLSv1.3',
    'TLS versions.',
  ),
  AccessLogPath: key(
    filePath,
    '/dev/stdout',
    'Path of the access log. Entries are written with a delay of up to one second.',
  ),
  ErrorLogPath: key(filePath, '/dev/stderr', 'Path of the error log.'),
  AccessLogFormat: key(
    text,
    'main',
    "Format of the access log: `main` (see `MainLogFormat`), `json`, or the format string of nginx's `log_format`. See [logging](logging.md).",
  ),
  MainLogFormat: key(text, '', "Format string of nginx's `log_format main`."),
  TraceLogFormat: key(text, '', "Format string of nginx's `log_format trace`."),
  WorkerShutdownTimeout: key(
    nginxTime,
    '10m',
    'How long connections from before a change in place can stay open: WebSockets, downloads, streams.',
  ),
  KeepaliveTimeout: key(nginxTime, '75s', 'How long an idle client connection stays open.'),
  ClientMaxBodySize: key(
    size,
    '32m',
    'Maximum size of a request body. 0 disables the limit. gRPC streams have no limit.',
  ),
  ClientBodyBufferSize: key(
    size,
    '8k',
    'Request bodies up to this size are read completely before the request is forwarded, so the request can be retried. Larger bodies are streamed.',
  ),
  ResponseHeaderSize: key(
    z.string().regex(/^(?:[4-9]|[1-9]\d|1\d\d|2[0-4]\d|25[0-6])[kK]$/, 'is not a size from 4k to 256k'),
    '32k',
    'Maximum size of the response headers, from 4k to 256k. If the headers are larger, the client receives 502.',
  ),
  ClientHeaderBufferSize: key(size, '1k', 'Size of the buffer for request headers.'),
  LargeClientHeaderBuffers: key(
    z.string().regex(/^\d{1,3} \d{1,6}[kKmM]?$/),
    '1 32k',
    'Number and size of the buffers for large request headers. The default allows 32 KB for the request line and headers in total, with HTTP/1.1 and HTTP/2. With several buffers, HTTP/1.1 allows one buffer for each line.',
  ),
  ClientBodyTimeout: key(nginxTime, '60s', 'Timeout between two reads of a request body.'),
  UnderscoresInHeaders: key(flag, false, 'Accepts header names with underscores.'),
  UpstreamZoneSize: key(
    count,
    0,
    'Minimum size, in KB, of the shared memory for all upstreams. It grows with the number of tasks.',
  ),
  ServerNamesHashBucketSize: key(count, 0, 'Accepted and not used: computed from the host names.'),
  GlobalOptions: key(list, [], "Raw lines for nginx's `main` context."),
  HTTPOptions: key(list, [], "Raw lines for nginx's `http` context."),
  TCPOptions: key(list, [], "Raw lines for nginx's `stream` context."),
  HideInfoHeaders: key(flag, true, 'Hides the `x-*` response headers that describe the proxy and the task.'),
  Port: key(port.nullable(), null, 'Accepted and not used: see `TargetPort`.'),
  SSLPort: key(port.nullable(), null, 'Accepted and not used: see `TargetSSLPort`.'),
} satisfies KeyTable;

export type OidcSettings = KeyValues<typeof oidcKeys>;
export type CoreSettings = KeyValues<typeof coreKeys>;
export type ExtensionSettings = KeyValues<typeof extensionKeys>;
export type NginxSettings = KeyValues<typeof nginxKeys>;
