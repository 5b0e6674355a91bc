import Handlebars from 'handlebars';
import { digest } from '../lib/digest.ts';
import { memoize, memoizeLast } from '../lib/memo.ts';
import type { RenderInput } from '../model/render-input.ts';
import { type Affinity, compareText, type Maintenance } from '../model/route.ts';
import {
  createRouteTableBuilder,
  type HostTls,
  isGrpc,
  type Location,
  leadsToTls,
  type RouteTable,
  strips,
  type Upstream,
  type VirtualServer,
} from '../model/route-table.ts';
import { Blocks } from './blocks.ts';
import { FileDivider, type RenderedFile } from './files.ts';
import { quote, quoteBefore, quoteHost, quoteLiteral, quoteName } from './quote.ts';

export interface RenderedConfiguration {
  /** Digest of all files: equal configurations have equal versions. */
  readonly version: string;
  /** The main file first. */
  readonly files: readonly RenderedFile[];
}

/** Templates by name; `nginx.conf` is the main one, the others are its partials. */
export type Templates = Readonly<Record<string, string>>;
export type RenderNginx = (input: RenderInput) => RenderedConfiguration;

/** Stands in the rendered text for the version, which is the digest of that text. */
const VERSION_MARK = '@version@';
export const MAIN_FILE = 'nginx.conf';
/** Partials that write one host or one upstream each: of these there are thousands, and few change at a time. */
const BLOCK_PARTIALS = ['upstream', 'server'];

export function compileNginx(templates: Templates): RenderNginx {
  const handlebars = Handlebars.create();
  handlebars.registerHelper({ quote, quoteBefore, quoteHost, quoteLiteral, quoteName });
  // Strict: a field that a template misspells is an error with its line, not an empty string in a configuration.
  const compile = (text: string) => handlebars.compile(text, { noEscape: true, strict: true });
  const blocks = new Blocks();
  // Handlebars reads a text when it is first needed: a mistake must show before that, while the last good templates are there.
  for (const [name, text] of Object.entries(templates)) {
    handlebars.parse(text);
    handlebars.registerPartial(name, BLOCK_PARTIALS.includes(name) ? blocks.partial(name, compile(text)) : text);
  }
  const builtIn = compile(templates[MAIN_FILE] ?? '');
  const compileOwn = memoizeLast(compile);
  const dividerFor = memoizeLast((cluster: string) => new FileDivider(cluster));
  const viewsFor = memoizeLast(createViews);
  // Of its own: who renders other lists must not have all of this one worked out anew.
  const buildRouteTable = createRouteTableBuilder();
  return (input) => {
    const { template: own, cluster } = input;
    const template = own === undefined ? builtIn : compileOwn(own);
    const table = buildRouteTable(input.routes);
    const { httpListener, tlsListener } = listeners(input, table);
    const { IPHash } = input.nginx;
    const again = asksAgain(input);
    const views = viewsFor(httpListener, tlsListener, httpsPortOf(input), IPHash, input.defaultCertificate, again);
    const view = toView(input, table, views);
    const pieces = blocks.collect(() => template(view));
    const { main: text, parts } = dividerFor(cluster).divide(pieces);
    if (!text.includes(VERSION_MARK)) {
      throw new Error('The template leaves out {{> status}}, by which a proxy tells which version it serves');
    }
    // With the cluster: two with equal text must not share config objects.
    const version = digest([cluster, text, ...parts.map((part) => part.digest)].join('\n'));
    const main = { path: MAIN_FILE, digest: version, text: text.replace(VERSION_MARK, version) };
    return { version, files: [main, ...parts] };
  };
}

/** Views of hosts and upstreams, kept from one rendering to the next: equal ones are the same object. */
type Views = ReturnType<typeof createViews>;

function createViews(
  httpListener: string,
  tlsListener: string,
  httpsPort: string,
  hashesAddresses: boolean,
  defaultCertificate: string,
  asksAgain: boolean,
) {
  return {
    // The first mention of a zone gives its size, the others share it.
    upstream: memoize((upstream: Upstream) => ({ ...toUpstreamView(upstream, hashesAddresses), zone: 'upstreams' })),
    server: memoize((server: VirtualServer) => ({
      httpListener,
      tlsListener,
      defaultCertificate,
      answersAlike: answersAlike(server),
      host: server.host,
      redirect: server.redirect,
      secureRedirect: server.secureRedirect,
      ...toMaintenanceView(server.maintenance),
      ...toTlsView(server.tls),
      locations: toLocationViews(server.locations, asksAgain, httpsPort),
      secureLocations: toLocationViews(server.locations, asksAgain),
    })),
  };
}

/** What templates see: decided, sorted and complete, so that they only have to write it down. */
function toView(input: RenderInput, table: RouteTable, views: Views) {
  const [first, ...others] = table.upstreams.map(views.upstream);
  const zone = `upstreams ${input.zoneKb}k`;
  const again = asksAgain(input);
  return {
    cluster: input.cluster,
    version: VERSION_MARK,
    ...listeners(input, table),
    proxyProtocolFrom: input.proxyProtocolFrom,
    defaultCertificate: input.defaultCertificate,
    metrics: input.metrics,
    asksAgain: again,
    passthrough: toPassthroughView(input, table),
    hasStream: hasPassthrough(table) || input.nginx.TCPOptions.length > 0,
    ...identities(input, table),
    hasH2c: locationsOf(table).some(({ options }) => options.protocol === 'h2c'),
    hasRealAddresses: hasPassthrough(table) || input.proxyProtocolFrom.length > 0,
    nginx: { ...input.nginx, ...logFormats(input), WorkerShutdownTimeout: shutdownTimeout(input) },
    hash: namesHash(table),
    upstreams: first === undefined ? [] : [{ ...first, zone }, ...others],
    stripped: strippedLengths(table).map((length) => ({ length, head: `~^.{${length}}` })),
    stickyCookies: [...new Set(table.upstreams.flatMap(({ affinity }) => plainCookie(affinity) ?? []))].toSorted(
      compareText,
    ),
    allowLists: allowLists(table),
    pages: {
      unavailable: toPageView('unavailable_page', input.pages.unavailable),
      maintenance: toPageView('maintenance_page', input.pages.maintenance),
    },
    servers: table.servers.map(views.server),
    fallback: {
      ...toTlsView(table.fallbackTls),
      locations: toLocationViews(table.fallback, again, httpsPortOf(input)),
      secureLocations: toLocationViews(table.fallback, again),
    },
  };
}

/** As redirects to HTTPS need it. */
function httpsPortOf({ publishedSslPort }: RenderInput): string {
  return publishedSslPort === 443 ? '' : `:${publishedSslPort}`;
}

/**
 * An `error_page` of ours would take an administrator's own out of force, and answer for applications whose errors are intercepted; and a body
 * that is not kept cannot be sent again.
 */
function asksAgain({ nginx }: RenderInput): boolean {
  const others = /\b(error_page|proxy_intercept_errors|proxy_request_buffering)\s/;
  return !nginx.HTTPOptions.some((option) => others.test(option));
}

/** Where TLS ends in nginx: behind the stream block when some connections are handed on as they are. */
const TLS_SOCKET = 'unix:/tmp/tls.sock';
const PASSTHROUGH_SOCKET = 'unix:/tmp/passthrough.sock';

function hasPassthrough({ passthroughs }: RouteTable): boolean {
  return passthroughs.length > 0;
}

function listeners({ targetPort, targetSslPort, proxyProtocolFrom }: RenderInput, table: RouteTable) {
  const withHeader = proxyProtocolFrom.length > 0 ? ' proxy_protocol' : '';
  return {
    httpListener: `${targetPort}${withHeader}`,
    tlsListener: hasPassthrough(table) ? `${TLS_SOCKET} ssl proxy_protocol` : `${targetSslPort} ssl${withHeader}`,
    streamListener: `${targetSslPort}${withHeader}`,
  };
}

/** One server then listens for both: of 10,000 hosts with TLS, nginx reads them in three quarters of the time. */
function answersAlike({ tls, redirect, secureRedirect, locations }: VirtualServer): boolean {
  const isPlain = tls.kind === 'terminated' && tls.hsts === '' && tls.clientCa === '';
  const isSecured = locations.some(({ options }) => options.sslOnly || options.clientCertificate === 'required');
  return isPlain && !isSecured && redirect === secureRedirect;
}

function toTlsView(tls: HostTls) {
  return { material: tls.kind === 'terminated' ? tls : undefined, isClosed: tls.kind === 'closed' };
}

/** Headers that a client may not send are set to nothing, which costs a request less than a variable that is empty. */
function identities({ nginx }: RenderInput, table: RouteTable) {
  const handshakes = toHandshakeView(table);
  const spelled = nginx.UnderscoresInHeaders ? identityHeaders.flatMap(withUnderscores) : [];
  return { handshakes, forgeries: handshakes ? spelled : [...identityHeaders, ...spelled] };
}

/** Absent where no client is asked for a certificate. */
function toHandshakeView({ servers, fallbackTls }: RouteTable) {
  const caOf = (tls: HostTls) => (tls.kind === 'terminated' ? tls.clientCa : '');
  if ([fallbackTls, ...servers.map(({ tls }) => tls)].every((tls) => caOf(tls) === '')) return undefined;
  // Of those alone that have a server for TLS: the others' handshakes are with a wildcard's, or with the default.
  const secure = servers.filter(({ tls }) => tls.kind === 'terminated' || tls.kind === 'closed');
  return { fallback: caOf(fallbackTls), hosts: secure.map(({ host, tls }) => ({ host, ca: caOf(tls) })) };
}

/** All connections come to one port; the name that the client asks for tells where they go. */
function toPassthroughView({ zoneKb }: RenderInput, table: RouteTable) {
  if (!hasPassthrough(table)) return undefined;
  const named = table.servers.flatMap(({ host, tls }) => (tls.kind === 'passthrough' ? [{ ...tls, host }] : []));
  const { fallbackTls } = table;
  const fallback = fallbackTls.kind === 'passthrough' ? fallbackTls : undefined;
  const first = ({ upstream, proxyProtocol }: { upstream: string; proxyProtocol: boolean }) =>
    proxyProtocol ? upstream : PASSTHROUGH_SOCKET;
  return {
    tlsSocket: TLS_SOCKET,
    socket: PASSTHROUGH_SOCKET,
    // A name that ends here must not fall to a wildcard that is handed on.
    targets: table.servers.map(({ host, tls }) => ({
      host,
      target: tls.kind === 'passthrough' ? first(tls) : TLS_SOCKET,
    })),
    fallbackTarget: fallback === undefined ? TLS_SOCKET : first(fallback),
    plain: named.filter(({ proxyProtocol }) => !proxyProtocol),
    plainFallback: fallback?.upstream,
    upstreams: table.passthroughs.map((upstream, position) => ({
      ...toUpstreamView(upstream, false),
      zone: position === 0 ? `passthroughs ${zoneKb}k` : 'passthroughs',
    })),
  };
}

function toUpstreamView({ name, peers, affinity }: Upstream, hashesAddresses: boolean) {
  return {
    name,
    peers: peers.map(({ address, port, resolve, maxFails, failTimeout }) => ({
      endpoint: `${address}:${port}`,
      resolve,
      limits: [
        ...(maxFails === undefined ? [] : [`max_fails=${maxFails}`]),
        ...(failTimeout ? [`fail_timeout=${failTimeout}`] : []),
      ],
    })),
    hashesAddress: affinity.kind === 'address' || (affinity.kind === 'none' && hashesAddresses),
    hashedCookie: plainCookie(affinity),
    routeCookie: affinity.kind === 'cookie' ? `${affinity.name}_route` : undefined,
    // Swarm spreads connections, not requests: over those that are kept, new tasks would get none.
    kept: peers.some(({ virtual }) => virtual) ? 0 : KEPT_CONNECTIONS,
  };
}

/**
 * Idle connections to an upstream that a worker keeps. What is under way at a time beyond that is a new connection for each request; a busy
 * application's ports in TIME_WAIT then run out, and nginx spends its time looking for a free one.
 */
const KEPT_CONNECTIONS = 256;

/** Variables of nginx have no dashes and dots, so that a cookie with one has none. */
function plainCookie(affinity: Affinity): string | undefined {
  return affinity.kind === 'cookie' && /^\w+$/.test(affinity.name) ? affinity.name : undefined;
}

/** A raw option says it already in files made for Interlock, and nginx takes it but once. */
function shutdownTimeout({ nginx }: RenderInput): string | undefined {
  const isSet = nginx.GlobalOptions.some((option) => /^\s*worker_shutdown_timeout\s/m.test(option));
  return isSet ? undefined : nginx.WorkerShutdownTimeout;
}

/** Interlock's formats are whole directive bodies, with their quotes and the semicolon at the end. */
function logFormats({ nginx }: RenderInput) {
  const body = (format: string) => format.trim().replace(/;$/, '');
  return { MainLogFormat: body(nginx.MainLogFormat), TraceLogFormat: body(nginx.TraceLogFormat) };
}

/** What tells an application who its client is. */
const identityHeaders = [
  'X-SSL-Client-Verify',
  'X-SSL-Client-Subject',
  'X-SSL-Client-Fingerprint',
  'X-SSL-Client-Cert',
];

/** Other spellings of a header that many applications take for the same. */
function withUnderscores(header: string): string[] {
  const [first = '', ...rest] = header.split('-');
  const spellings = rest.reduce(
    (texts, word) => texts.flatMap((text) => [`${text}-${word}`, `${text}_${word}`]),
    [first],
  );
  return spellings.filter((text) => text !== header);
}

/**
 * A path belongs to a location as whole segments: `/app` and `/app/…`, never `/apple`. `httpsPort` is for the locations over HTTP: over TLS
 * nobody is sent to TLS.
 */
function toLocationViews(locations: readonly Location[], asksAgain: boolean, httpsPort?: string) {
  const again = new AgainViews();
  const list = locations.flatMap((location) => {
    const isSecure = httpsPort === undefined;
    // Who cannot answer there either is not sent there.
    const sslOnly = !isSecure && leadsToTls(location);
    // Where there is nothing behind it, maintenance lets nobody pass.
    const isEmpty = location.upstream === undefined && !sslOnly;
    const target = toTargetView(location);
    const view = {
      ...target,
      // What gRPC sends is not kept.
      again:
        asksAgain && location.upstream !== undefined && !sslOnly && !target.isGrpc ? again.nameOf(target) : undefined,
      ...toMaintenanceView(
        location.maintenance && isEmpty ? { ...location.maintenance, allow: [] } : location.maintenance,
      ),
      httpsPort,
      sslOnly,
      needsClient: isSecure && location.options.clientCertificate === 'required',
    };
    if (location.path === '') return [{ ...view, exact: false, match: '/' }];
    return [
      { ...view, exact: true, match: location.path },
      { ...view, exact: false, match: `${location.path}/` },
    ];
  });
  return {
    list,
    again: again.all,
    hasRoot: locations.some(({ path }) => path === ''),
    isEmpty: locations.length === 0,
  };
}

type TargetView = ReturnType<typeof toTargetView>;
type AgainView = Omit<TargetView, 'scheme'> & { readonly name: string; readonly scheme: string };

/** Where requests go that are asked again: a location for all of a host that are asked in the same way, which most are. */
class AgainViews {
  readonly #byWay = new Map<string, AgainView>();

  nameOf(target: TargetView): string {
    const scheme = target.isTls ? '$again_scheme' : target.scheme;
    const prefix = target.strip === undefined ? '' : target.prefix;
    const view = { ...target, upstream: '$again', scheme, prefix };
    const way = JSON.stringify(view);
    const known = this.#byWay.get(way) ?? {
      ...view,
      name: this.#byWay.size === 0 ? '@again' : `@again${this.#byWay.size + 1}`,
    };
    this.#byWay.set(way, known);
    return known.name;
  }

  get all() {
    return [...this.#byWay.values()];
  }
}

const SCHEMES = { http: 'http', https: 'https', h2c: 'http', grpc: 'grpc', grpcs: 'grpcs' } as const;

/** nginx reads no word of 4096 bytes, and a character may have four of them. */
const PART_LENGTH = 1000;

/** A page as a variable, and in the parts in which nginx can read it, each a variable too; undefined for the built-in one. */
function toPageView(variable: string, text: string | undefined) {
  if (text === undefined) return undefined;
  const characters = [...text];
  const parts = Array.from({ length: Math.ceil(characters.length / PART_LENGTH) }, (_, position) => ({
    variable: `${variable}_${position}`,
    text: characters.slice(position * PART_LENGTH, (position + 1) * PART_LENGTH).join(''),
  }));
  return { variable, parts };
}

/** Variables of nginx tell who passes: one for each list. */
function allowVariable({ allow }: Maintenance): string {
  return `maintenance_${digest(allow.join())}`;
}

function allowLists({ servers, fallback }: RouteTable) {
  const all = [
    ...servers.flatMap(({ maintenance, locations }) => [
      maintenance,
      ...locations.map((location) => location.maintenance),
    ]),
    ...fallback.map((location) => location.maintenance),
  ].filter((maintenance) => maintenance !== undefined && maintenance.allow.length > 0) as Maintenance[];
  const byVariable = new Map(all.map((maintenance) => [allowVariable(maintenance), maintenance.allow]));
  return [...byVariable]
    .toSorted(([a], [b]) => compareText(a, b))
    .map(([variable, networks]) => ({ variable, networks }));
}

function toMaintenanceView(maintenance: Maintenance | undefined) {
  const passes = maintenance !== undefined && maintenance.allow.length > 0;
  return {
    maintenance: maintenance && { variable: passes ? allowVariable(maintenance) : undefined },
    /** Nobody passes: there is nothing behind it. */
    isShut: maintenance !== undefined && !passes,
  };
}

function toTargetView({ path, options, upstream }: Location) {
  const { protocol, backendCa, backendName } = options;
  return {
    upstream,
    backendCa,
    backendName,
    strip: strips({ path, options }) ? path.length : undefined,
    prefix: path,
    scheme: SCHEMES[protocol],
    isGrpc: isGrpc(protocol),
    isH2c: protocol === 'h2c',
    isTls: protocol === 'https' || protocol === 'grpcs',
  };
}

function locationsOf({ servers, fallback }: RouteTable): readonly Location[] {
  return [...servers.flatMap(({ locations }) => locations), ...fallback];
}

function strippedLengths(table: RouteTable): number[] {
  const stripped = locationsOf(table).filter(strips);
  return [...new Set(stripped.map(({ path }) => path.length))].toSorted((a, b) => a - b);
}

/** nginx refuses to start when a name does not fit into a bucket, and slows down when the table is tight. */
function namesHash({ servers }: RouteTable) {
  const longest = servers.reduce((length, { host }) => Math.max(length, host.name.length), 0);
  return {
    bucketSize: powerOfTwo(Math.max(128, longest + 32)),
    maxSize: powerOfTwo(Math.max(1024, servers.length * 2)),
  };
}

function powerOfTwo(least: number): number {
  return 2 ** Math.ceil(Math.log2(least));
}
