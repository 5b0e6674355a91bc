import { join } from 'node:path';
import { project } from '../bed/places.ts';
import { parseHost } from '../src/model/hosts/host.ts';
import type { RenderInput } from '../src/model/render-input.ts';
import type { Route } from '../src/model/route.ts';
import { parseSettings } from '../src/model/settings/settings.ts';
import { compileNginx } from '../src/render/nginx.ts';
import { readTemplates } from '../src/template-folder/read-templates.ts';
import type { File } from './bench-container.ts';

/** With TLS all hosts share one certificate. An HTTP/2 client has several requests in flight on one connection. */
export type Protocol = 'http' | 'tls' | 'h2';

/** A proxy under comparison: the same hosts, applications and access log, and one core. */
export interface Contestant {
  readonly name: string;
  /** Image that it runs from: ours, or the image of the competitors. */
  readonly image: 'proxy' | 'rivals';
  readonly command: readonly string[];
  readonly configure: (routes: number, material: Material) => readonly File[];
}

/** In PEM. */
export interface Material {
  readonly certificate: string;
  readonly key: string;
}

export const httpPort = 8000;
export const tlsPort = 8443;
const CERTIFICATE = '/tmp/site.pem';
/** Names that the application is known by. Hosts are spread over them. */
export const backends = Array.from({ length: 16 }, (_, n) => `backend${n}`);
export const backendPort = 8080;

export const hostOf = (n: number): string => `service${n}.bench.local`;
const backendOf = (n: number): string => backends[n % backends.length]!;
const bothOf = ({ certificate, key }: Material): string => certificate + key;
const each = <T>(count: number, write: (n: number) => T): T[] => Array.from({ length: count }, (_, n) => write(n));

interface HandWritten {
  /** Lines of the http block. */
  readonly http: string;
  /** Lines of each upstream. */
  readonly upstream: (name: string) => string;
}

/** Forwards the client's address, and writes an access log. */
const leastJob: HandWritten = {
  http: `access_log /dev/stdout combined;
proxy_set_header Connection ""; proxy_set_header Host $host;
proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; proxy_set_header X-Forwarded-Proto $scheme;`,
  upstream: (name) => `server ${name}:${backendPort};`,
};

/** Headers that clients must not send to applications: those that a hand-written configuration would cover. */
const forgeries = ['Forwarded', 'X-Forwarded-Server', 'X-Original-URL', 'X-Rewrite-URL', 'Proxy', 'X-Client-IP', 'TE'];

/**
 * What Signalbox does, and no more: WebSockets but no other upgrade, all headers for applications, all log fields, and
 * applications that move. Not in the hand-written configuration: streamed bodies, headers that `Connection` names, and
 * hosts that the handshake did not name.
 */
const sameJob: HandWritten = {
  http: `log_format main '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent" "$http_x_forwarded_for" host="$host" id=$reqid upstream=$upstream_addr time=$request_time';
access_log /dev/stdout main buffer=4k flush=1s;
resolver 127.0.0.11 valid=1s ipv6=off;
map $http_upgrade $upgrade { default ""; websocket websocket; }
map $upgrade $connection_upgrade { default upgrade; "" ""; }
map $status $upgraded { default ""; 101 $upgrade; }
map $http_x_request_id $reqid { default $http_x_request_id; "" $request_id; }
map $scheme $forwarded_port { default 80; https 443; }
proxy_hide_header Upgrade; add_header Upgrade $upgraded always;
proxy_set_header Upgrade $upgrade; proxy_set_header Connection $connection_upgrade; proxy_set_header Host $http_host;
proxy_set_header X-Real-IP $remote_addr; proxy_set_header X-Forwarded-For $remote_addr;
proxy_set_header X-Forwarded-Proto $scheme; proxy_set_header X-Forwarded-Host $http_host; proxy_set_header X-Forwarded-Port $forwarded_port;
proxy_set_header X-Request-ID $reqid;
${forgeries.map((name) => `proxy_set_header ${name} "";`).join(' ')}`,
  upstream: (name) => `zone upstreams 512k; server ${name}:${backendPort} resolve;`,
};

/** The agent's part that works for each request, started like the agent. It reads more often, so that a sample contains its work. */
const COUNTER = `import { spawn } from 'node:child_process';
import { startTraffic } from '/app/lib/proxy/traffic.js';
const { read, take } = await startTraffic('/tmp/signalbox');
setInterval(read, 100);
setInterval(take, 5000);
spawn('nginx', ['-g', 'daemon off;', '-c', '/tmp/nginx.conf'], { stdio: 'inherit' }).on('exit', process.exit);
`;
/** See Dockerfile.proxy. */
const AGENT_FLAGS = ['--max-semi-space-size=1', '--initial-old-space-size=6', '--max-old-space-size=64'];
const SMALL_FLAGS = ['--optimize-for-size', '--no-opt', '--no-maglev', '--no-sparkplug', '--single-threaded'];

const all: readonly Contestant[] = [
  {
    name: 'signalbox',
    image: 'proxy',
    command: ['node', ...AGENT_FLAGS, ...SMALL_FLAGS, '/tmp/count.mjs'],
    configure: (routes, material) => [
      ...renderSignalbox(routes),
      { path: '/tmp/count.mjs', text: COUNTER },
      { path: '/run/secrets/site', text: bothOf(material) },
    ],
  },
  {
    // Without counting requests. Configurations log nothing for the agent if there is none.
    name: 'signalbox, uncounted',
    image: 'proxy',
    command: ['nginx', '-g', 'daemon off;', '-c', '/tmp/nginx.conf'],
    configure: (routes, material) => [
      ...renderSignalbox(routes),
      { path: '/run/secrets/site', text: bothOf(material) },
    ],
  },
  handWritten('nginx, by hand', sameJob),
  // The same again, to show how much identical contestants differ.
  handWritten('nginx, the same', sameJob),
  handWritten('nginx, the least', leastJob),
  {
    name: 'HAProxy',
    image: 'rivals',
    command: ['haproxy', '-db', '-f', '/tmp/haproxy.cfg'],
    configure: (routes, material) => [
      { path: CERTIFICATE, text: bothOf(material) },
      { path: '/tmp/haproxy.cfg', text: writeHaproxy() },
      { path: '/tmp/hosts.map', text: haproxyTable(routes) },
    ],
  },
  {
    name: 'Caddy',
    image: 'rivals',
    command: ['caddy', 'run', '--adapter', 'caddyfile', '--config', '/tmp/Caddyfile'],
    configure: (routes, { certificate, key }) => [
      { path: CERTIFICATE, text: certificate },
      { path: '/tmp/site.key', text: key },
      { path: '/tmp/Caddyfile', text: writeCaddy(routes) },
    ],
  },
];

/** `CONTESTANTS=signalbox|Caddy` measures only some, besides those that others are compared with. */
export const contestants = all.filter(
  ({ name }) => name.startsWith('nginx, ') || (process.env.CONTESTANTS?.split('|').includes(name) ?? true),
);

/** What our extension renders for services with only hosts and port, each resolved by DNS as on a swarm. */
function renderSignalbox(count: number): File[] {
  const { settings } = parseSettings({}, 'bench');
  const cluster = settings.clusters[0]!;
  const routes = each(count, (n): Route => {
    const host = parseHost(hostOf(n));
    if (typeof host === 'string') throw new Error(`${hostOf(n)} ${host}`);
    return {
      service: { id: `service${n}`, name: `service${n}`, createdAt: '' },
      hosts: [host],
      isDefault: false,
      path: '',
      redirects: [],
      options: {
        rewrite: false,
        sslOnly: false,
        protocol: 'http',
        backendCa: '',
        backendName: '',
        clientCertificate: 'none',
        affinity: { kind: 'none' },
      },
      tls: { kind: 'terminated', certificate: 'site', key: 'site', isStapled: false, hsts: '', clientCa: '' },
      backend: { kind: 'peers', peers: [{ address: backendOf(n), port: backendPort, resolve: true }] },
    };
  });
  const input: RenderInput = {
    cluster: 'bench',
    targetPort: httpPort,
    targetSslPort: tlsPort,
    publishedSslPort: tlsPort,
    listensOnIpv6: false,
    proxyProtocolFrom: [],
    defaultPorts: { http: 80, https: 443 },
    trustedProxies: [],
    clientAddressHeader: 'X-Forwarded-For',
    defaultCertificate: '',
    nginx: { ...cluster.nginx, WorkerProcesses: '1', HTTPOptions: [NO_END] },
    metrics: true,
    watch: { networks: [], doubted: [] },
    zoneKb: 512,
    template: undefined,
    pages: {},
    routes,
    streams: [],
  };
  const { files } = compileNginx(readTemplates(join(project, 'templates')))(input);
  return files.map(({ path, text }) => ({ path: `/tmp/${path}`, text }));
}

/** By default nginx closes a connection after 1,000 requests, and h2load does not open another one. */
const NO_END = 'keepalive_requests 1000000000;';

function handWritten(name: string, job: HandWritten): Contestant {
  return {
    name,
    image: 'proxy',
    command: ['nginx', '-g', 'daemon off;', '-c', '/tmp/nginx.conf'],
    configure: (routes, material) => [
      { path: '/tmp/nginx.conf', text: writeNginx(routes, job) },
      { path: CERTIFICATE, text: bothOf(material) },
    ],
  };
}

/** Adds hosts and keep-alive connections to the application, beside what `job` adds. */
function writeNginx(count: number, job: HandWritten): string {
  const upstreams = backends.map(
    (name) => `upstream ${name} { ${job.upstream(name)} keepalive 256; keepalive_requests 10000; }`,
  );
  const servers = each(
    count,
    (n) =>
      `server { listen ${httpPort}; listen ${tlsPort} ssl; server_name ${hostOf(n)}; location / { proxy_pass http://${backendOf(n)}; } }`,
  );
  return `worker_processes 1; pid /tmp/nginx.pid; error_log /dev/stderr warn;
events { worker_connections 4096; }
http {
${job.http} ${NO_END}
server_names_hash_max_size 16384; server_names_hash_bucket_size 128;
client_body_temp_path /tmp/a; proxy_temp_path /tmp/b; fastcgi_temp_path /tmp/c; uwsgi_temp_path /tmp/d; scgi_temp_path /tmp/e;
proxy_http_version 1.1; ssl_certificate ${CERTIFICATE}; ssl_certificate_key ${CERTIFICATE}; ssl_session_cache shared:tls:10m; http2 on;
ssl_protocols TLSv1.2 TLSv1.3;
server { listen ${httpPort} default_server; listen ${tlsPort} ssl default_server; return 503; }
${[...upstreams, ...servers].join('\n')}
}
`;
}

function writeHaproxy(): string {
  return `global
  nbthread 1
  maxconn 8192
  log stdout format raw local0
defaults
  mode http
  log global
  option httplog
  option forwardfor
  timeout client 60s
  timeout server 60s
  timeout connect 5s
  http-reuse always
frontend main
  bind :${httpPort}
  bind :${tlsPort} ssl crt ${CERTIFICATE} alpn h2,http/1.1
  use_backend %[req.hdr(host),lower,word(1,:),map_str(/tmp/hosts.map,none)]
backend none
  http-request return status 503
${backends.map((name) => `backend ${name}\n  server s ${name}:${backendPort}`).join('\n')}
`;
}

/** HAProxy reads its table from a separate file. */
function haproxyTable(count: number): string {
  return `${each(count, (n) => `${hostOf(n)} ${backendOf(n)}`).join('\n')}\n`;
}

function writeCaddy(count: number): string {
  const sites = each(
    count,
    (n) => `http://${hostOf(n)}:${httpPort} {\n log bench\n reverse_proxy ${backendOf(n)}:${backendPort}\n}
https://${hostOf(n)}:${tlsPort} {\n tls ${CERTIFICATE} /tmp/site.key\n log bench\n reverse_proxy ${backendOf(n)}:${backendPort}\n}`,
  );
  return `{\n admin off\n auto_https off\n persist_config off\n log bench {\n output stdout\n }\n}\n${sites.join('\n')}\n`;
}
