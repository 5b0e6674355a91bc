import { z } from 'zod';
import { roleSchema } from './roles.ts';

/**
 * Every key of the settings file, each defined once: its grammar, its default and what it does. Names are Interlock's and
 * are read without regard to case, because its own documentation spelt some of them in two ways.
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

function key<T>(schema: z.ZodType<T>, fallback: NoInfer<T>, description: string): KeyDefinition<T> {
  return { schema, default: fallback, description };
}

const text = z.string();
const list = z.array(z.string());
const map = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]).transform(String));
const flag = z.boolean();
const port = z.int().min(1).max(65_535);
const count = z.int().min(0).max(1_000_000);
const DAY_MS = 86_400_000;

const UNIT_MS = { ns: 1e-6, us: 1e-3, ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const;

/** Go's durations, as `1m30s`; a bare number is seconds. In milliseconds. */
export const duration = z.union([z.string(), z.number()]).transform((value, context) => {
  const written = typeof value === 'number' ? `${value}s` : value.trim();
  const parts = [...written.matchAll(/(\d+(?:\.\d+)?)(ns|us|ms|s|m|h)/g)];
  if (parts.length === 0 || parts.map(([part]) => part).join('') !== written) {
    context.addIssue('is not a duration such as 3s or 1m30s');
    return z.NEVER;
  }
  return parts.reduce((sum, [, amount, unit]) => sum + Number(amount) * UNIT_MS[unit as keyof typeof UNIT_MS], 0);
});

/** nginx's own sizes and times: these strings go into the configuration, so their alphabet is narrow. */
const size = z.union([z.string().regex(/^\d{1,9}[kKmMgG]?$/, 'is not a size such as 32m'), count.transform(String)]);
/** Docker's smallest limit is 6 MB; nothing of ours starts with less than this. */
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
const secretName = z
  .string()
  .regex(/^([a-zA-Z0-9]([a-zA-Z0-9_.-]{0,62}[a-zA-Z0-9])?)?$/, 'is not the name of a secret')
  .refine((value) => !value.startsWith('signalbox.'), 'is a secret of the control channel');
const networkList = z.array(
  z.string().regex(/^[0-9a-f.:]{2,45}(\/\d{1,3})?$/i, 'is not an address or a network such as 10.0.0.0/8'),
);
export const CLIENT_ADDRESS_HEADERS = ['X-Forwarded-For', 'CF-Connecting-IP', 'True-Client-IP', 'Forwarded'] as const;
const filePath = z.string().regex(/^\/[A-Za-z0-9_./:-]*$|^$/, 'is not an absolute path');

export const coreKeys = {
  ListenAddr: key(text, '', 'Accepted and not used: the controller calls the extensions, they never call it.'),
  DockerURL: key(text, 'unix:///var/run/docker.sock', 'Address of the Docker API.'),
  TLSCACert: key(text, '', 'File with the CA of the Docker API.'),
  TLSCert: key(text, '', 'File with the client certificate for the Docker API.'),
  TLSKey: key(text, '', 'File with the key of that certificate.'),
  AllowInsecure: key(flag, false, 'Do not verify the certificate of the Docker API.'),
  PollInterval: key(
    duration.refine((ms) => ms >= 100 && ms <= DAY_MS, 'is not between 100ms and 24h'),
    3000,
    'How often everything is looked at again, beside the events; in a large swarm less often, for a three-hundredth of the time at most, and between changes.',
  ),
  EndpointOverride: key(text, '', 'Accepted and not used: see ListenAddr.'),
  HostsMode: key(
    z.enum(['open', 'first', 'listed'], 'is not open, first or listed'),
    'open',
    'Who may claim a host that `[Hosts]` does not list: every service (`open`), the stack of the oldest service that claims it (`first`), or nobody (`listed`).',
  ),
  UsersSecret: key(
    secretName,
    '',
    'Name of a Docker secret with users of the page and the API, one line each: see [users.md](users.md). Default: only `admin` and `viewer`.',
  ),
} satisfies KeyTable;

/** On this machine nobody can listen. */
const LOOPBACK = ['localhost', '127.0.0.1', '[::1]'];

function isIssuer(text: string): boolean {
  const url = URL.parse(text);
  if (url === null || url.search !== '' || url.hash !== '' || url.username !== '' || url.password !== '') return false;
  return url.protocol === 'https:' || (url.protocol === 'http:' && LOOPBACK.includes(url.hostname));
}

export const oidcKeys = {
  Issuer: key(
    z.string().refine(isIssuer, 'is not a URL such as https://id.example.org'),
    '',
    'URL of the OpenID provider, as its discovery document has it. Required.',
  ),
  ClientId: key(z.string().max(200), '', 'Identifier of Signalbox at the provider. Required.'),
  ClientSecret: key(
    secretName,
    '',
    'Name of a Docker secret with the client secret. Default: a public client, which has none.',
  ),
  CA: key(
    secretName,
    '',
    "Name of a Docker secret with the CA (PEM) of the provider's certificate. Default: those that Node.js trusts.",
  ),
  Scopes: key(
    z.array(z.string().regex(/^[\x21\x23-\x5B\x5D-\x7E]+$/, 'is not a scope')),
    ['openid', 'profile', 'email'],
    'Scopes to ask for; some providers need another one for groups.',
  ),
  GroupsClaim: key(z.string().min(1), 'groups', "Claim with the user's groups: a list, or one name."),
  Groups: key(
    z.record(z.string(), roleSchema),
    {},
    'Role of each group: `"platform team" = "administrator"`. Users with several have the highest role; those with none cannot sign in.',
  ),
} satisfies KeyTable;

export const extensionKeys = {
  Image: key(text, '', 'Image of the extension. Default: that of this release.'),
  Args: key(list, [], 'Arguments of the extension.'),
  Labels: key(map, {}, 'Labels of the extension service.'),
  ContainerLabels: key(map, {}, "Labels of the extension's tasks."),
  Networks: key(
    list.nullable(),
    null,
    'The proxies join exactly these networks. Default: those of the routed services.',
  ),
  Constraints: key(
    list.nullable(),
    null,
    'Placement of the extension. Default: workers, if there are any. See [placement](placement.md).',
  ),
  PlacementPreferences: key(list, [], 'Spread of the extension, as spread=node.labels.zone.'),
  ServiceName: key(text, '', 'Name of the extension service. Default: signalbox-extension, with the table behind it.'),
  ServiceCluster: key(
    text,
    '',
    'Services labelled with this cluster are published here; empty: those without the label.',
  ),
  MemoryLimit: key(
    memory,
    '4g',
    'Memory that the extension may use, its folder /tmp included; 0 for no limit. It needs about 1.3 GB for 10,000 services.',
  ),
  PidsLimit: key(count, 1024, 'Processes and threads of the extension; 0 for no limit. It needs 20.'),
  ProxyImage: key(text, '', 'Image of the proxies. Default: that of this release.'),
  ProxyArgs: key(list, [], 'Arguments of the proxies.'),
  ProxyLabels: key(map, {}, 'Labels of the proxy service.'),
  ProxyContainerLabels: key(map, {}, "Labels of the proxies' tasks."),
  ProxyServiceName: key(text, '', 'Name of the proxy service. Default: signalbox-proxy, with the table behind it.'),
  ProxyConfigPath: key(filePath, '/etc/nginx/nginx.conf', 'Where the proxies find their configuration.'),
  ProxyReplicas: key(count, 2, 'Number of proxies.'),
  ProxyTmpSize: key(
    z.string().regex(/^(?:3[2-9]|[4-9]\d|\d{3,5})[mM]$/, 'is not a size from 32m, such as 128m'),
    '128m',
    "Size of a proxy's folder /tmp, which is in memory: versions of the configuration, and requests that are still to be counted.",
  ),
  ProxyMemoryLimit: key(
    memory,
    '16g',
    "Memory that one proxy may use, its folder /tmp included; 0 for no limit. docs/limits.md has the formula. Beyond it the kernel ends one of nginx's processes.",
  ),
  ProxyPidsLimit: key(
    count,
    16_384,
    'Processes and threads of one proxy; 0 for no limit. After each change of routes, workers with open connections stay for up to `WorkerShutdownTimeout`.',
  ),
  ProxyStopSignal: key(z.string().regex(/^[A-Z0-9]+$/), 'SIGQUIT', 'Signal that stops a proxy.'),
  ProxyStopGracePeriod: key(duration, 30_000, 'How long a stopping proxy may finish its requests.'),
  ProxyConstraints: key(
    list.nullable(),
    null,
    'Placement of the proxies. Default: workers, if there are any. See [placement](placement.md).',
  ),
  ProxyPlacementPreferences: key(list, [], 'Spread of the proxies, as spread=node.labels.zone.'),
  ProxyUpdateDelay: key(duration, 0, 'Pause between two proxies in a rolling update.'),
  PublishMode: key(
    z.enum(['ingress', 'host']),
    'ingress',
    'Publish ports on every node (ingress) or where proxies run (host).',
  ),
  PublishedPort: key(port, 8080, 'Public port for HTTP.'),
  TargetPort: key(port, 80, 'Port for HTTP inside the proxies.'),
  PublishedSSLPort: key(port, 8443, 'Public port for HTTPS.'),
  TargetSSLPort: key(port, 443, 'Port for HTTPS inside the proxies.'),
  ProxyProtocolFrom: key(
    networkList,
    [],
    "Addresses or networks of balancers in front of the proxies that tell the client's address by the PROXY protocol. With one, every connection must begin with it.",
  ),
  TrustedProxies: key(
    networkList,
    [],
    'Addresses or networks of balancers in front of the proxies whose headers about the client are believed: its address (`ClientAddressHeader`), `X-Forwarded-Proto`, `X-Forwarded-Host` and `X-Forwarded-Port`. Default: nobody.',
  ),
  ClientAddressHeader: key(
    z.enum(CLIENT_ADDRESS_HEADERS),
    'X-Forwarded-For',
    "Header in which trusted proxies name the client's address. Lists are read from the right, past up to four trusted proxies. With `Forwarded`, scheme and host are read from it as well.",
  ),
  PublicPort: key(
    port.nullable(),
    null,
    "Port for HTTP that clients use, if a balancer in front has another one than the swarm: applications get it in `X-Forwarded-Port` if the client's `Host` has no port. Default: 80.",
  ),
  PublicSSLPort: key(
    port.nullable(),
    null,
    'The same for HTTPS; redirects to HTTPS name it, unless it is 443. Default: 443 for applications, `PublishedSSLPort` for redirects.',
  ),
  DefaultCertificate: key(
    secretName,
    '',
    'Name of a Docker secret with certificate and key for TLS with names that nobody answers to, or whose own certificate is bad: those clients get 503. Default: their handshakes fail.',
  ),
  MetricsSecret: key(
    secretName,
    '',
    'Name of a Docker secret with a token: who shows it is told the metrics of each proxy, at https://<task>:9146/metrics. Default: nobody, and nothing is counted.',
  ),
  Template: key(text, '', 'Name of a Docker config with a template of your own.'),
  UnavailablePage: key(
    text,
    '',
    'Name of a Docker config with an HTML page, up to 64 KB, for 503 where no service answers. Default: a short one.',
  ),
  MaintenancePage: key(text, '', 'The same for what is closed for a while.'),
  HitlessServiceUpdate: key(flag, true, 'Change routes in place, without new tasks, where nothing has to be attached.'),
  FollowTasks: key(
    z.enum(['auto', 'dns', 'addresses'], 'is not auto, dns or addresses'),
    'auto',
    "How proxies follow the tasks of services: by name through Docker's DNS (`dns`), at the addresses in Swarm's task list (`addresses`), or by name until the agents find a name that is wrong, missing or not answered (`auto`). `addresses` requires `HitlessServiceUpdate`; all proxies then hash alike.",
  ),
  ProxyReloadInterval: key(
    duration.refine((ms) => ms <= 60_000, 'is longer than 1m'),
    1000,
    'Changes in place are gathered: the first goes live at once, the next after this time.',
  ),
  ConfigImage: key(text, '', 'Accepted and not used: no separate config service is needed.'),
  ConfigServiceName: key(text, '', 'Accepted and not used: see ConfigImage.'),
} satisfies KeyTable;

/** Mozilla's intermediate list for TLS 1.2; the suites of TLS 1.3 are not chosen. */
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
  HTTPVersion: key(z.enum(['1.0', '1.1']), '1.1', 'HTTP version towards the services.'),
  User: key(z.string().regex(/^[a-z0-9_-]*$/), '', 'Accepted and not used: proxies never run as root.'),
  PidPath: key(text, '', 'Accepted and not used: only /tmp is writable in a proxy.'),
  MaxConnections: key(count, 4096, 'Connections of each worker process.'),
  ConnectTimeout: key(count, 5, 'Seconds until a task must have taken the connection.'),
  SendTimeout: key(count, 60, 'Seconds between two writes, to a client or to a task.'),
  ReadTimeout: key(count, 600, 'Seconds between two reads from a task; bounds idle WebSockets too.'),
  IPHash: key(flag, false, "Spread by the client's address everywhere."),
  AdminUser: key(text, '', 'Accepted and not used (HAProxy).'),
  AdminPass: key(text, '', 'Accepted and not used (HAProxy).'),
  SSLOpts: key(text, '', 'Accepted and not used.'),
  SSLDefaultDHParam: key(count, 0, 'Accepted and not used: DHE is off.'),
  SSLDefaultDHParamPath: key(text, '', 'Accepted and not used: DHE is off.'),
  SSLVerify: key(text, 'required', 'Accepted and not used.'),
  WorkerProcesses: key(
    z.union([z.literal('auto'), z.string().regex(/^\d{1,3}$/), count.transform(String)]),
    'auto',
    'Worker processes of nginx, or auto.',
  ),
  RLimitNoFile: key(
    count,
    0,
    "Files that a worker may have open, up to what the node allows. Default: the node's limit.",
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
  AccessLogPath: key(filePath, '/dev/stdout', 'Where requests are logged, a second late at most.'),
  ErrorLogPath: key(filePath, '/dev/stderr', 'Where errors are logged.'),
  MainLogFormat: key(text, '', "Body of nginx's log_format main."),
  TraceLogFormat: key(text, '', "Body of nginx's log_format trace."),
  WorkerShutdownTimeout: key(
    nginxTime,
    '10m',
    'How long connections of before a change in place may go on: WebSockets, downloads, streams.',
  ),
  KeepaliveTimeout: key(nginxTime, '75s', 'How long an idle connection of a client is kept.'),
  ClientMaxBodySize: key(size, '32m', 'Largest request body; 0 for any size. Streams of gRPC have no limit.'),
  ClientBodyBufferSize: key(
    size,
    '8k',
    'Request bodies up to this size are read completely before the service gets the request, which can then be sent again. Larger ones are streamed.',
  ),
  ResponseHeaderSize: key(
    z.string().regex(/^(?:[4-9]|[1-9]\d|1\d\d|2[0-4]\d|25[0-6])[kK]$/, 'is not a size from 4k to 256k'),
    '32k',
    'Largest response headers; 502 beyond it. From 4k to 256k.',
  ),
  ClientHeaderBufferSize: key(size, '1k', 'Buffer for request headers.'),
  LargeClientHeaderBuffers: key(
    z.string().regex(/^\d{1,3} \d{1,6}[kKmM]?$/),
    '1 32k',
    'Number and size of the buffers for request headers. The default allows 32 KB for request line and headers together, over HTTP/1.1 and HTTP/2; with several buffers HTTP/1.1 allows one of them for each line.',
  ),
  ClientBodyTimeout: key(nginxTime, '60s', 'Longest pause in a request body.'),
  UnderscoresInHeaders: key(flag, false, 'Accept header names with underscores.'),
  UpstreamZoneSize: key(count, 0, 'Least size in KB of the memory shared for all upstreams; it grows with the tasks.'),
  ServerNamesHashBucketSize: key(count, 0, 'Accepted and not used: computed from the names.'),
  GlobalOptions: key(list, [], "Raw lines for nginx's main context."),
  HTTPOptions: key(list, [], "Raw lines for nginx's http context."),
  TCPOptions: key(list, [], "Raw lines for nginx's stream context."),
  HideInfoHeaders: key(flag, true, 'Leave out the x-* headers that tell about proxy and task.'),
  Port: key(port.nullable(), null, 'Accepted and not used: see TargetPort.'),
  SSLPort: key(port.nullable(), null, 'Accepted and not used: see TargetSSLPort.'),
} satisfies KeyTable;

export type OidcSettings = KeyValues<typeof oidcKeys>;
export type CoreSettings = KeyValues<typeof coreKeys>;
export type ExtensionSettings = KeyValues<typeof extensionKeys>;
export type NginxSettings = KeyValues<typeof nginxKeys>;
