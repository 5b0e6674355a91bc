import Handlebars from 'handlebars';
import { digest } from '../lib/digest.ts';
import { memoize, memoizeLast } from '../lib/memo.ts';
import { toGeo } from '../model/allow-list.ts';
import { balanceDirective } from '../model/features/balance.ts';
import { streamsRequests } from '../model/features/buffering.ts';
import { clientVerification } from '../model/features/cors.ts';
import {
  changedResponseHeaders,
  featureDefinitions,
  featureErrorPages,
  featureServerBlocks,
  featuresUseDollar,
  featureViews,
  locationFacts,
} from '../model/features/features.ts';
import { cookieParameters, plainStickyCookie } from '../model/features/sticky-cookie.ts';
import { LONG_NAME } from '../model/host.ts';
import { coversHost } from '../model/material.ts';
import { encodeCase, nameRelay, usesNameRelay } from '../model/name-case.ts';
import { encodePath, pathBytes } from '../model/path.ts';
import { hopByHopHeaders } from '../model/proxy-headers.ts';
import type { Redirect } from '../model/redirects.ts';
import type { RenderInput } from '../model/render-input.ts';
import {
  type Affinity,
  compareText,
  type Maintenance,
  needsNameRelay,
  type Peer,
  type RouteOptions,
} from '../model/route.ts';
import {
  createRouteTableBuilder,
  type HostTls,
  isGrpc,
  type Location,
  leadsToTls,
  type PathRedirect,
  type RouteTable,
  strippedRoot,
  type VirtualServer,
} from '../model/route-table.ts';
import { mountedSecretsFolder, secretsFolder } from '../model/secret-files.ts';
import { bytesOf } from '../model/size.ts';
import type { Upstream } from '../model/upstream.ts';
import { VERSION_MARK, versionDigest } from '../model/version-digest.ts';
import { Blocks } from './blocks.ts';
import { errorCodes, errorPages, grpcErrors, locationErrorCodes } from './errors.ts';
import { FileDivider, type RenderedFile } from './files.ts';
import { httpLimits, numbersUpTo, setsDirective } from './limits.ts';
import { quote, quoteBefore, quoteHost, quoteLiteral, quoteName, quotePart, quotePath, quoteText } from './quote.ts';
import {
  clientCaOf,
  commonRequestHeaders,
  type RepeatedHeaders,
  repeatedHeaders,
  sharedRequestHeaders,
  toChange,
  toChangedView,
  toRequestHeadersView,
} from './request-headers.ts';
import { clientAddress, hstsVariable, toTrustedView } from './trusted.ts';

export interface RenderedConfiguration {
  /** Digest of all files: equal configurations have equal versions. */
  readonly version: string;
  /** The main file first. */
  readonly files: readonly RenderedFile[];
}

/** Templates by name; `nginx.conf` is the main one, the others are its partials. */
export type Templates = Readonly<Record<string, string>>;
export type RenderNginx = (input: RenderInput) => RenderedConfiguration;

export const MAIN_FILE = 'nginx.conf';
/** Partials that render one host or one upstream each: there are thousands of these, and few change at a time. */
const BLOCK_PARTIALS = ['upstream', 'server', 'handshake', 'target', 'plain-target', 'passthrough'];

export function compileNginx(templates: Templates): RenderNginx {
  const handlebars = Handlebars.create();
  handlebars.registerHelper({
    quote,
    quoteBefore,
    quoteHost,
    quoteLiteral,
    quoteName,
    quotePart,
    quotePath,
    quoteText,
  });
  // Strict: a misspelled field in a template is an error with its line, not an empty string in a configuration.
  const compile = (text: string) => handlebars.compile(text, { noEscape: true, strict: true });
  const blocks = new Blocks();
  // Handlebars parses a text at its first use. Compiling early finds errors while the last valid templates are still in use.
  for (const [name, text] of Object.entries(templates)) {
    handlebars.parse(text);
    handlebars.registerPartial(name, BLOCK_PARTIALS.includes(name) ? blocks.partial(name, compile(text)) : text);
  }
  const builtIn = compile(templates[MAIN_FILE] ?? '');
  const compileOwn = memoizeLast(compile);
  const dividerFor = memoizeLast((cluster: string) => new FileDivider(cluster));
  const viewsFor = memoizeLast((common: string) => createViews(JSON.parse(common) as Common));
  // A cache of its own, so that rendering other lists does not discard the work for this one.
  const buildRouteTable = createRouteTableBuilder();
  return (input) => {
    const { template: own, cluster } = input;
    const template = own === undefined ? builtIn : compileOwn(own);
    const table = buildRouteTable(input.routes);
    const views = viewsFor(JSON.stringify(commonOf(input, table)));
    const view = toView(input, table, views);
    const pieces = blocks.collect(() => template(view));
    const { main: text, parts } = dividerFor(cluster).divide(pieces);
    if (relayedUpstreams(table).length > 0 && ![text, ...parts.map((part) => part.text)].some(usesNameRelay)) {
      throw new Error('The template lacks the resolver of upstreams, which names with upper-case letters require');
    }
    if (!text.includes(VERSION_MARK)) {
      throw new Error('The template lacks {{> status}}, which reports the version that a proxy serves');
    }
    const others = [...parts, ...(input.secretFiles ?? [])];
    const version = versionDigest(cluster, text, others);
    const main = { path: MAIN_FILE, digest: version, text: text.replace(VERSION_MARK, version) };
    return { version, files: [main, ...others] };
  };
}

/** Views of hosts and upstreams, cached between renderings: equal ones are the same object. */
type Views = ReturnType<typeof createViews>;

/** Values that the blocks of all hosts and upstreams depend on. Plain data: views are cached while its JSON stays the same. */
function commonOf(input: RenderInput, table: RouteTable) {
  const { httpListener, tlsListener } = listeners(input, table);
  const { IPHash, ReadTimeout } = input.nginx;
  return {
    httpListener,
    tlsListener,
    httpsPort: httpsPortOf(input),
    defaultCertificate: input.defaultCertificate,
    hashesAddresses: IPHash,
    readTimeout: ReadTimeout,
    handlesErrors: handlesErrors(input),
    isTrusting: input.trustedProxies.length > 0,
    namesService: namesService(input),
    fallbackSite: fallbackSite(input, table),
    requestHeaders: repeatedHeaders(input, table, locationsOf(table)),
    defaultNames: input.defaultCertificateNames,
    folder: secretsFolderOf(input),
  };
}

type Common = ReturnType<typeof commonOf>;

function createViews(common: Common) {
  const { httpListener, tlsListener, httpsPort, defaultCertificate, hashesAddresses, readTimeout } = common;
  const { handlesErrors, isTrusting, namesService, fallbackSite: fallback, defaultNames, folder } = common;
  const plain: LocationContext = {
    handlesErrors,
    isTrusting,
    namesService,
    readTimeout,
    httpsPort,
    hidden: hopByHopHeaders,
    repeated: common.requestHeaders,
  };
  const secure: LocationContext = { ...plain, httpsPort: undefined };
  return {
    plain,
    secure,
    // The first mention of a zone sets its size; the others share it.
    upstream: memoize((upstream: Upstream) => ({
      ...toUpstreamView(upstream, hashesAddresses, isTrusting),
      zone: 'upstreams',
    })),
    passthrough: memoize((upstream: Upstream) => ({
      ...toUpstreamView(upstream, false, false, false),
      zone: 'passthroughs',
    })),
    handshake: memoize(({ host, tls }: VirtualServer) => ({ host, site: siteOf(tls) })),
    target: memoize(({ host, tls }: VirtualServer) => ({
      host,
      target: tls.kind === 'passthrough' ? targetOf(tls) : TLS_SOCKET,
    })),
    plainTarget: memoize(({ host, tls }: VirtualServer) => ({
      host,
      upstream: tls.kind === 'passthrough' ? tls.upstream : '',
    })),
    server: memoize((server: VirtualServer) => ({
      httpListener,
      tlsListener,
      defaultCertificate,
      handlesErrors,
      answersAlike: answersAlike(server),
      host: server.host,
      thumbprint: server.thumbprint,
      redirect: server.redirect?.target,
      redirectStatus: server.redirect?.status,
      secureRedirect: server.secureRedirect?.target,
      secureRedirectStatus: server.secureRedirect?.status,
      canonical: toCanonicalView(server, plain),
      secureCanonical: toCanonicalView(server, secure),
      redirectsPlain: isTrusting && redirectsPlain(server),
      hidden: hopByHopHeaders,
      hstsVariable: isTrusting && 'hsts' in server.tls && server.tls.hsts ? hstsVariable(server.tls.hsts) : undefined,
      ...toMaintenanceView(server.maintenance),
      ...toTlsView(server.tls, folder, acceptedSites(server, fallback, defaultNames)),
      locations: toLocationViews(server, hiding(plain, server, isTrusting)),
      secureLocations: toLocationViews(server, hiding(secure, server)),
    })),
  };
}

/** The input of the templates: complete, sorted and final, so that they only have to print it. */
function toView(input: RenderInput, table: RouteTable, views: Views) {
  const [first, ...others] = table.upstreams.map(views.upstream);
  const zone = `upstreams ${input.zoneKb}k`;
  return {
    cluster: input.cluster,
    version: VERSION_MARK,
    watch: input.watch,
    ...listeners(input, table),
    proxyProtocolFrom: input.proxyProtocolFrom,
    defaultCertificate: input.defaultCertificate,
    secretsFolder: secretsFolderOf(input),
    metrics: input.metrics,
    ...toErrorsView(input, table),
    accessLog: toAccessLogView(input, table),
    trusted: toTrustedView(input, table),
    defaultPorts: input.defaultPorts,
    limits: httpLimits(input.nginx),
    mergesHeaders: !setsDirective(input.nginx.HTTPOptions, 'add_header_inherit'),
    hidden: hopByHopHeaders,
    passthrough: toPassthroughView(input, table, views),
    hasStream: hasPassthrough(table) || input.nginx.TCPOptions.length > 0,
    ...commonRequestHeaders(input, table),
    hasExpressions: hasExpressions(table),
    dollar: locationsOf(table).some(({ options }) => featuresUseDollar(options)),
    longName: quote(LONG_NAME),
    handshakes: toHandshakeView(input, table, views),
    hasRealAddresses: hasPassthrough(table) || input.proxyProtocolFrom.length > 0,
    nginx: {
      ...input.nginx,
      ...logFormats(input),
      // Each resolver of an upstream has a socket, which counts as a connection.
      MaxConnections: input.nginx.MaxConnections + relayedUpstreams(table).length,
      WorkerShutdownTimeout: shutdownTimeout(input),
    },
    pcreJit: !setsDirective(input.nginx.GlobalOptions, 'pcre_jit'),
    hash: namesHash(table),
    upstreams: first === undefined ? [] : [{ ...first, zone }, ...others],
    stripped: strippedLengths(table).map((length) => ({ length, head: headOf(length) })),
    resolvingSteps,
    stickyCookies: [...new Set(table.upstreams.flatMap(({ affinity }) => plainCookie(affinity) ?? []))].toSorted(
      compareText,
    ),
    allowLists: allowLists(table),
    definitions: definitions(table),
    answersChallenges: table.servers.some(({ thumbprint }) => thumbprint !== undefined),
    hasPending: locationsOf(table).some(({ isPending }) => isPending),
    pages: {
      unavailable: toPageView('unavailable_page', input.pages.unavailable),
      maintenance: toPageView('maintenance_page', input.pages.maintenance),
    },
    servers: table.servers.map(views.server),
    fallback: {
      ...toTlsView(table.fallbackTls, secretsFolderOf(input)),
      site: fallbackSite(input, table),
      locations: toLocationViews({ locations: table.fallback }, views.plain),
      secureLocations: toLocationViews({ locations: table.fallback }, views.secure),
    },
  };
}

/** What features define for all locations together. */
function definitions(table: RouteTable) {
  const byKey = new Map(
    locationsOf(table)
      .flatMap(definitionsOf)
      .map((definition) => [definition.key, definition]),
  );
  return [...byKey.values()].toSorted((a, b) => compareText(a.key, b.key));
}

const definitionsOf = memoize((location: Location) => featureDefinitions(location.options, factsOf(location)));

function factsOf({ services, path }: Pick<Location, 'services' | 'path'>) {
  return locationFacts(services[0]!, path);
}

function hasExpressions({ servers }: RouteTable): boolean {
  return servers.some(({ host }) => host.kind === 'regex');
}

function relayedUpstreams({ upstreams, passthroughs }: RouteTable): readonly Upstream[] {
  return [...upstreams, ...passthroughs].filter(({ peers }) => needsNameRelay(peers));
}

/** The port for redirects to HTTPS. */
function httpsPortOf({ publishedSslPort }: RenderInput): string {
  return publishedSslPort === 443 ? '' : `:${publishedSslPort}`;
}

/** An `error_page` of an administrator, or intercepted errors of applications, would conflict with our own `error_page`. */
function handlesErrors({ nginx }: RenderInput): boolean {
  const others = ['error_page', 'proxy_intercept_errors', 'recursive_error_pages', 'proxy_request_buffering'];
  return !others.some((name) => setsDirective(nginx.HTTPOptions, name));
}

function toErrorsView(input: RenderInput, table: RouteTable) {
  return {
    handlesErrors: handlesErrors(input),
    streamsAll: !setsDirective(input.nginx.HTTPOptions, 'proxy_request_buffering'),
    errors: errorPages,
    errorCodes,
    streamsSmall: locationsOf(table).some(({ options }) => streamsRequests(options.buffering)),
    smallBody: numbersUpTo(bytesOf(input.nginx.ClientBodyBufferSize)),
  };
}

/** One character of a context root in the client's encoding: an escape, a run of slashes, or the character. */
const ROOT_CHARACTER = '(?:(?:/|%2[fF])++|%[0-9a-fA-F]{2}|[^%/?])';

function headOf(length: number): string {
  return `~^${ROOT_CHARACTER}{${length}}`;
}

/** Maximum number of steps to resolve dot segments; each takes one run of them. */
const RESOLVING_STEPS = 8;
const resolvingSteps = Array.from({ length: RESOLVING_STEPS }, (_, step) => ({
  name: `step${step + 1}`,
  from: step === 0 ? '$request_uri' : `$resolved${step}_uri`,
  to: step === RESOLVING_STEPS - 1 ? '$resolved_uri' : `$resolved${step + 1}_uri`,
}));

/** Where TLS ends in nginx: behind the stream block if some connections are passed through. */
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

/** Whether only plain HTTP requests are redirected, and HTTPS requests are answered. */
function redirectsPlain({ redirect, secureRedirect, maintenance }: VirtualServer): boolean {
  return redirect !== undefined && secureRedirect === undefined && maintenance === undefined;
}

/**
 * Then one server listens on both ports: for 10,000 hosts with TLS, nginx loads the configuration in three quarters of
 * the time.
 */
function answersAlike({ tls, redirect, secureRedirect, canonical, pathRedirects, locations }: VirtualServer): boolean {
  const isPlain = tls.kind === 'terminated' && tls.hsts === '' && tls.clientCa === '';
  const isSecured = locations.some(({ options }) => options.sslOnly || options.clientCertificate === 'required');
  const redirects = [{ redirect, secureRedirect }, ...pathRedirects];
  return isPlain && !isSecured && !canonical?.sslOnly && redirects.every((one) => one.redirect === one.secureRedirect);
}

function toTlsView(tls: HostTls, secretsFolder: string, site = siteOf(tls)) {
  const material = tls.kind === 'terminated' ? { ...tls, secretsFolder, site, hidden: hopByHopHeaders } : undefined;
  return { material, site, isClosed: tls.kind === 'closed' };
}

/**
 * The handshakes whose requests may reach a host: with its own certificate and client CA, or with the default certificate, unless that is known to be
 * for other names.
 */
function acceptedSites(
  { host, tls }: Pick<VirtualServer, 'host' | 'tls'>,
  fallback: string,
  names: Common['defaultNames'],
): string {
  const own = siteOf(tls);
  const asksNobody = clientCaOf(tls) === '' && fallback.endsWith(' ') && fallback !== ' ';
  const isCovered = names === undefined || coversHost(names, host);
  return asksNobody && isCovered && own !== fallback ? `${own}|${fallback}` : own;
}

/** Identifies the certificate and client CA of a handshake. */
function siteOf(tls: HostTls): string {
  return tls.kind === 'terminated' ? `${tls.certificate} ${tls.clientCa}` : '-';
}

/** The site of a handshake for an unknown name. */
function fallbackSite({ defaultCertificate }: RenderInput, { fallbackTls }: RouteTable): string {
  return fallbackTls.kind === 'terminated' ? siteOf(fallbackTls) : `${defaultCertificate} `;
}

/** Where the proxies have the secrets. */
function secretsFolderOf({ secretFiles }: RenderInput): string {
  return secretFiles === undefined ? mountedSecretsFolder : secretsFolder;
}

/** Absent if TLS never ends in the proxies. */
function toHandshakeView(input: RenderInput, table: RouteTable, views: Views) {
  // Only hosts with a TLS server: handshakes for other hosts use a wildcard's certificate or the default.
  const secure = table.servers.filter(({ tls }) => tls.kind === 'terminated' || tls.kind === 'closed');
  const { fallbackTls } = table;
  if (secure.length === 0 && fallbackTls.kind !== 'terminated' && input.defaultCertificate === '') return undefined;
  return {
    fallback: fallbackSite(input, table),
    hasExpressions: hasExpressions(table),
    dollar: locationsOf(table).some(({ options }) => featuresUseDollar(options)),
    longName: quote(LONG_NAME),
    hosts: secure.map(views.handshake),
  };
}

/** All connections arrive on one port; the requested server name selects their target. */
function toPassthroughView({ zoneKb }: RenderInput, table: RouteTable, views: Views) {
  if (!hasPassthrough(table)) return undefined;
  const { fallbackTls } = table;
  const fallback = fallbackTls.kind === 'passthrough' ? fallbackTls : undefined;
  const [first, ...others] = table.passthroughs.map(views.passthrough);
  return {
    tlsSocket: TLS_SOCKET,
    socket: PASSTHROUGH_SOCKET,
    // A name whose TLS ends here must not match a wildcard that is passed through.
    targets: table.servers.map(views.target),
    fallbackTarget: fallback === undefined ? TLS_SOCKET : targetOf(fallback),
    plain: table.servers.filter(({ tls }) => tls.kind === 'passthrough' && !tls.proxyProtocol).map(views.plainTarget),
    plainFallback: fallback?.upstream,
    upstreams: [{ ...first!, zone: `passthroughs ${zoneKb}k` }, ...others],
  };
}

function targetOf({ upstream, proxyProtocol }: { upstream: string; proxyProtocol: boolean }): string {
  return proxyProtocol ? upstream : PASSTHROUGH_SOCKET;
}

function toUpstreamView(upstream: Upstream, hashesAddresses: boolean, isTrusting: boolean, isHttp = true) {
  const { name, peers: own, affinity, options } = upstream;
  const { balance, maxConnections, stickyCookie = plainStickyCookie } = options;
  const isRelayed = needsNameRelay(own);
  // The relay answers only encoded names.
  const peers = isRelayed ? own.map(withEncodedCase) : own;
  const hashesAddress =
    affinity.kind === 'address' || (affinity.kind === 'none' && balance === undefined && hashesAddresses);
  const hashedCookie = plainCookie(affinity);
  const isVirtual = peers.some(({ virtual }) => virtual);
  const isHashed = hashesAddress || hashedCookie !== undefined;
  const method = balance === undefined || isVirtual ? undefined : balanceDirective(balance, peers, isHttp);
  // nginx accepts no backup beside `hash` and `random`, and would send it the requests that exceed `max_conns`.
  const hasBackup = !isHashed && maxConnections === undefined && (method === undefined || method === 'least_conn');
  const last = peers.filter(({ maxFails }) => hasBackup && maxFails !== undefined && maxFails > 0);
  const most = maxConnections === undefined || isVirtual ? [] : [`max_conns=${maxConnections}`];
  return {
    name,
    resolver: isRelayed ? `${nameRelay.host}:${nameRelay.port}` : undefined,
    peers: [
      ...peers.map((peer) => toPeerView(peer, most)),
      ...last.map((peer) => toPeerView({ ...peer, maxFails: 0 }, ['backup'])),
    ],
    hashesAddress,
    addressHash: isTrusting ? 'hash $client_address' : 'ip_hash',
    hashedCookie,
    method,
    balances: !isHashed && !isVirtual && balance === undefined,
    routeCookie: affinity.kind === 'cookie' ? `${affinity.name}_route` : undefined,
    cookieParameters: cookieParameters(stickyCookie),
    // Swarm balances connections, not requests: with kept connections, new tasks would receive none.
    kept: isVirtual ? 0 : KEPT_CONNECTIONS,
  };
}

function withEncodedCase(peer: Peer): Peer {
  return peer.resolve ? { ...peer, address: encodeCase(peer.address) } : peer;
}

/**
 * If an application drops a request or answers with an invalid response, nginx counts it as a failure of the task and would then avoid the task for
 * all clients. So failures are not counted unless a label requires it. In that case the same tasks are listed once more, for when all are avoided.
 */
function toPeerView({ address, port, resolve, maxFails = 0, failTimeout }: Peer, more: readonly string[] = []) {
  return {
    endpoint: `${address}:${port}`,
    resolve,
    limits: [`max_fails=${maxFails}`, ...(failTimeout && maxFails > 0 ? [`fail_timeout=${failTimeout}`] : []), ...more],
  };
}

/**
 * Idle connections to an upstream that a worker keeps. Beyond that number, each concurrent request opens a new connection. The ports of a busy
 * application then run out in TIME_WAIT, and nginx spends its time looking for a free one.
 */
const KEPT_CONNECTIONS = 256;

/** nginx variables contain no dashes or dots, so a cookie whose name has one has no variable. */
function plainCookie(affinity: Affinity): string | undefined {
  return affinity.kind === 'cookie' && /^\w+$/.test(affinity.name) ? affinity.name : undefined;
}

function shutdownTimeout({ nginx }: RenderInput): string | undefined {
  return setsDirective(nginx.GlobalOptions, 'worker_shutdown_timeout') ? undefined : nginx.WorkerShutdownTimeout;
}

/**
 * Interlock's formats are complete directive bodies, with quotes and the final semicolon. They refer to the client by nginx's variable for the
 * connection's peer.
 */
function logFormats(input: RenderInput) {
  const { MainLogFormat, TraceLogFormat } = input.nginx;
  return { MainLogFormat: formatBody(MainLogFormat, input), TraceLogFormat: formatBody(TraceLogFormat, input) };
}

function formatBody(format: string, input: RenderInput): string {
  return format
    .trim()
    .replace(/;$/, '')
    .replaceAll(/\$remote_addr\b/g, clientAddress(input));
}

/** Text from clients in JSON lines. Of the host, nginx accepts only ASCII. */
const LOGGED_TEXTS = [
  { source: '$request_uri', variable: '$log_uri' },
  { source: '$http_user_agent', variable: '$log_user_agent' },
  { source: '$http_referer', variable: '$log_referer' },
];

function toAccessLogView(input: RenderInput, table: RouteTable) {
  const { AccessLogFormat } = input.nginx;
  const isMain = ['', 'main'].includes(AccessLogFormat);
  const isJson = AccessLogFormat === 'json';
  return {
    format: isMain ? 'main' : 'access',
    isJson,
    texts: LOGGED_TEXTS,
    body: isMain || isJson ? undefined : formatBody(AccessLogFormat, input),
    namesService: namesService(input),
    isFiltered: locationsOf(table).some(({ options }) => (options.accessLog ?? 'all') !== 'all'),
  };
}

/** Whether the log contains the service that a request was for. */
function namesService({ nginx }: RenderInput): boolean {
  return nginx.AccessLogFormat === 'json' || /\$(?:route_service\b|\{route_service\})/.test(nginx.AccessLogFormat);
}

/** Values that the views of all locations depend on. */
interface LocationContext extends Pick<Common, 'handlesErrors' | 'isTrusting' | 'namesService' | 'readTimeout'> {
  /** For locations over HTTP; over TLS there is no redirect to HTTPS. */
  readonly httpsPort: string | undefined;
  /** Headers of responses that are hidden in the locations of a server. */
  readonly hidden: readonly string[];
  /** Request headers for locations that add some. */
  readonly repeated: RepeatedHeaders;
}

/** A server with HSTS of its own hides that of the service. Over plain HTTP, it has it behind a trusted balancer only. */
function hiding(context: LocationContext, { tls }: VirtualServer, hasHsts = true): LocationContext {
  if (!hasHsts || !('hsts' in tls) || !tls.hsts) return context;
  return { ...context, hidden: [...context.hidden, 'Strict-Transport-Security'] };
}

interface Applying extends Pick<PathRedirect, 'path' | 'location'> {
  /** For clients of a trusted balancer that use plain HTTP. */
  readonly plain: Redirect | undefined;
  readonly always: Redirect | undefined;
}

function toApplying(pathRedirect: PathRedirect, { httpsPort, isTrusting }: LocationContext): Applying {
  const { path, location, redirect, secureRedirect } = pathRedirect;
  const isSecure = httpsPort === undefined;
  if (isSecure || (isTrusting && !redirect.secure))
    return { path, location, plain: isSecure ? undefined : redirect, always: secureRedirect };
  return { path, location, plain: undefined, always: redirect };
}

function isApplying({ plain, always }: Applying): boolean {
  return plain !== undefined || always !== undefined;
}

function toRedirectView({ path, plain, always, location }: Applying, exact: boolean) {
  const isNowhere = location === undefined;
  const targetOf = (redirect: Redirect | undefined) => {
    if (redirect === undefined) return undefined;
    const { target, status } = redirect;
    return { status, target: exact && new URL(target).pathname === '/' ? `${target}/` : target };
  };
  const length = String(pathBytes(path));
  return {
    isRedirected: always !== undefined || isNowhere,
    redirect: {
      rest: exact ? undefined : length,
      variable: exact ? 'is_args$args' : `rest${length}`,
      plain: targetOf(plain),
      always: targetOf(always),
      isNowhere,
    },
  };
}

/** A location that only redirects. */
function toNowhereView(maintenance: Maintenance | undefined) {
  return { service: undefined, first: [], isGrpc: false, ...toMaintenanceView(maintenance) };
}

function toCanonicalView({ canonical }: VirtualServer, { isTrusting, httpsPort }: LocationContext) {
  if (canonical === undefined) return undefined;
  return {
    host: canonical.host,
    toHttps: canonical.sslOnly && httpsPort !== undefined,
    httpsPort,
    scheme: isTrusting ? '$client_scheme' : '$scheme',
    port: isTrusting ? '$client_port_suffix' : '$is_request_port$request_port',
  };
}

interface Located
  extends Pick<VirtualServer, 'locations'>,
    Partial<Pick<VirtualServer, 'maintenance' | 'pathRedirects'>> {}

/** A path matches complete segments: `/app` and `/app/…`, never `/apple`. */
function matches(path: string) {
  if (path === '') return [{ exact: false, match: '/' }];
  return [
    { exact: true, match: path },
    { exact: false, match: `${path}/` },
  ];
}

function toLocationViews({ locations, maintenance, pathRedirects = [] }: Located, context: LocationContext) {
  const again = new AgainViews();
  const blocks = serverBlocks(locations, context);
  const shared = sharedRequestHeaders(locations, context.repeated);
  const inner = shared === undefined ? context : { ...context, repeated: undefined };
  const redirects = pathRedirects.map((redirect) => toApplying(redirect, context)).filter(isApplying);
  const redirected = new Set(redirects.map(({ path }) => path));
  const list = [
    ...redirects.flatMap((redirect) => {
      const { path, location } = redirect;
      const view = location ? toLocationView(location, inner, again) : toNowhereView(maintenance);
      return matches(path).map((match) => ({ ...view, ...match, ...toRedirectView(redirect, match.exact) }));
    }),
    ...locations
      .filter(({ path }) => !redirected.has(path))
      .flatMap((location) => {
        const view = { ...toLocationView(location, inner, again), redirect: undefined, isRedirected: false };
        return matches(location.path).map((match) => ({ ...view, ...match }));
      }),
  ];
  return {
    requestHeaders: shared,
    list,
    again: again.all,
    blocks,
    errorCodes: locationErrorCodes,
    grpcStatuses: context.handlesErrors && list.some(({ isGrpc }) => isGrpc) ? grpcErrors : [],
    hasRoot: [...locations, ...redirects].some(({ path }) => path === ''),
    isEmpty: locations.length === 0,
  };
}

function serverBlocks(locations: readonly Location[], { repeated }: LocationContext) {
  const all = locations
    .filter(({ upstream }) => upstream !== undefined)
    .flatMap((location) => featureServerBlocks(location.options, factsOf(location)));
  return [...new Map(all.map((block) => [block.key, block])).values()].map((block) => ({
    ...block,
    requestHeaders: toChangedView(block.requestHeaders, repeated),
  }));
}

function toLocationView(location: Location, context: LocationContext, views: AgainViews) {
  const { handlesErrors, isTrusting, namesService, httpsPort } = context;
  const isSecure = httpsPort === undefined;
  const requiresClient = location.options.clientCertificate === 'required';
  // Does not redirect to HTTPS if HTTPS cannot answer either.
  const sslOnly = !isSecure && leadsToTls(location);
  // A trusted balancer may have ended TLS. Clients that must present a certificate here cannot have presented it there.
  const passesSecure = sslOnly && isTrusting && !requiresClient;
  const forwards = location.upstream !== undefined && (!sslOnly || passesSecure);
  const target = toTargetView(location, context, forwards);
  // gRPC requests are not buffered.
  const again = handlesErrors && forwards && !target.isGrpc ? views.nameOf(target) : undefined;
  return {
    ...target,
    service: namesService ? location.services[0] : undefined,
    first: featureViews(location.options, factsOf(location), { first: true }),
    again,
    hasOwnErrors: again !== FIRST_AGAIN || target.errorPages.length > 0,
    againSuffix: again?.slice(FIRST_AGAIN.length),
    streamsRequests: streamsRequests(location.options.buffering),
    errorCodes: locationErrorCodes,
    grpcErrors: handlesErrors ? grpcErrors : [],
    ...toMaintenanceView(maintenanceOf(location, sslOnly), target.isGrpc && handlesErrors),
    httpsPort,
    clientHost: isTrusting ? '$client_host' : '$host',
    sslOnly,
    passesSecure,
    // Otherwise a balancer that ends TLS would be redirected to HTTPS endlessly.
    refusesSecure: sslOnly && isTrusting && requiresClient,
    needsClient: isSecure && requiresClient,
    clientVerify: clientVerification(location.options),
    isPending: location.isPending,
  };
}

/** Without an upstream, maintenance admits no clients. */
function maintenanceOf({ maintenance, upstream }: Location, sslOnly: boolean): Maintenance | undefined {
  return maintenance && upstream === undefined && !sslOnly ? { ...maintenance, allow: [] } : maintenance;
}

type TargetView = ReturnType<typeof toTargetView>;
type AgainView = Omit<TargetView, 'scheme'> & { readonly name: string; readonly scheme: string };

const FIRST_AGAIN = '@again';

/** The locations for repeated requests: one for all locations of a host with the same request options, which most have. */
class AgainViews {
  readonly #byWay = new Map<string, AgainView>();

  nameOf(target: TargetView): string {
    const scheme = target.isTls ? '$again_scheme' : target.scheme;
    const view = { ...target, upstream: '$again', scheme, prefix: '' };
    const way = JSON.stringify(view);
    const known = this.#byWay.get(way) ?? {
      ...view,
      name: this.#byWay.size === 0 ? FIRST_AGAIN : `${FIRST_AGAIN}${this.#byWay.size + 1}`,
    };
    this.#byWay.set(way, known);
    return known.name;
  }

  get all() {
    return [...this.#byWay.values()];
  }
}

const SCHEMES = { http: 'http', https: 'https', h2c: 'http', grpc: 'grpc', grpcs: 'grpcs' } as const;

/** nginx rejects words of 4096 bytes, and a character may have four bytes. */
const PART_LENGTH = 1000;

/** A page as a variable, composed of parts short enough for nginx, each a variable too; undefined for the built-in one. */
function toPageView(variable: string, text: string | undefined) {
  if (text === undefined) return undefined;
  const characters = [...text];
  const parts = Array.from({ length: Math.ceil(characters.length / PART_LENGTH) }, (_, position) => ({
    variable: `${variable}_${position}`,
    text: characters.slice(position * PART_LENGTH, (position + 1) * PART_LENGTH).join(''),
  }));
  return { variable, parts };
}

/** The nginx variables that show which clients are allowed, one for each allow list. */
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
    .map(([variable, networks]) => ({ variable, networks: toGeo(networks) }));
}

function toMaintenanceView(maintenance: Maintenance | undefined, isGrpc = false) {
  const passes = maintenance !== undefined && maintenance.allow.length > 0;
  return {
    maintenance: maintenance && { variable: passes ? allowVariable(maintenance) : undefined, isGrpc },
    /** No client is allowed, because there is no upstream. */
    isShut: maintenance !== undefined && !passes,
  };
}

function toTargetView(location: Location, context: LocationContext, forwards: boolean) {
  const { readTimeout, hidden, repeated, handlesErrors } = context;
  const { path, options, upstream } = location;
  const { protocol, backendCa, backendName } = options;
  const root = strippedRoot({ path, options });
  return {
    upstream,
    backendCa,
    backendName,
    readTimeout: options.readTimeout ?? readTimeout,
    limitsBody: options.maxBodySize !== undefined,
    errorPages: forwards
      ? featureErrorPages(options, { ...factsOf(location), isGrpc: isGrpc(protocol), handlesErrors })
      : [],
    features: featureViews(options, factsOf(location)),
    requestHeaders: toRequestHeadersView(location, repeated),
    responseHeaders: toResponseHeadersView(options, hidden),
    // Text, because the template engine takes the number 0 for nothing.
    strip: root === undefined ? undefined : String(pathBytes(root)),
    strippedPrefix: encodePath(root ?? ''),
    backendPath: options.backendPath === undefined ? undefined : encodePath(options.backendPath),
    prefix: encodePath(path),
    scheme: SCHEMES[protocol],
    isGrpc: isGrpc(protocol),
    isH2c: protocol === 'h2c',
    isTls: protocol === 'https' || protocol === 'grpcs',
  };
}

/** Undefined if the location inherits what it hides and adds. nginx inherits no hidden header if a location hides one. */
function toResponseHeadersView(options: RouteOptions, hidden: readonly string[]) {
  const changes = changedResponseHeaders(options);
  if (changes.length === 0) return undefined;
  const replaced = changes.filter(({ keepsOwn }) => !keepsOwn).map(({ name }) => name);
  const set = changes.filter(({ text, variable }) => text || variable).map(toChange);
  return { hidden: replaced.length === 0 ? [] : [...hidden, ...replaced], set };
}

function locationsOf({ servers, fallback }: RouteTable): readonly Location[] {
  return [...servers.flatMap(({ locations }) => locations), ...fallback];
}

function strippedLengths(table: RouteTable): number[] {
  const roots = locationsOf(table)
    .map(strippedRoot)
    .filter((root) => root !== undefined);
  const redirected = table.servers.flatMap(({ pathRedirects }) => pathRedirects.map(({ path }) => path));
  return [...new Set([...roots, ...redirected].map(pathBytes))].toSorted((a, b) => a - b);
}

/** nginx refuses to start if a name does not fit into a bucket, and slows down if the table is too small. */
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
