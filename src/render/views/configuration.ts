import { streamsRequests } from '../../model/features/buffering.ts';
import { featuresUseDollar } from '../../model/features/features.ts';
import { LONG_NAME } from '../../model/hosts/host.ts';
import { hopByHopHeaders } from '../../model/proxy-headers.ts';
import { MIRROR_SOCKET, STATUS_SERVER } from '../../model/proxy-places.ts';
import type { RenderInput } from '../../model/render-input.ts';
import { compareText } from '../../model/route.ts';
import type { RouteTable } from '../../model/route-table/table.ts';
import { bytesOf } from '../../model/size.ts';
import type { StreamTable } from '../../model/streams/stream-table.ts';
import { VERSION_MARK } from '../../model/version-digest.ts';
import { errorCodes, errorPages } from '../errors.ts';
import { httpLimits, numbersUpTo, setsDirective } from '../limits.ts';
import { quote } from '../quote.ts';
import { commonRequestHeaders } from '../request-headers.ts';
import { toTrustedView } from '../trusted.ts';
import type { Views } from './cached.ts';
import { handlesErrors, secretsFolderOf } from './common.ts';
import { definitions } from './definitions.ts';
import { listeners } from './listeners.ts';
import { toLocationViews } from './locations.ts';
import { logFormats, toAccessLogView } from './logs.ts';
import { allowLists } from './maintenance.ts';
import { mirrorTargets } from './mirrors.ts';
import { namesHash } from './names-hash.ts';
import { toPageView } from './pages.ts';
import { fallbackSite, toFallbackTlsView, toHandshakeView } from './sites.ts';
import { streamUpstreams, toPassthroughView } from './stream.ts';
import { toStreamsView } from './stream-ports.ts';
import { headOf, resolvingSteps, strippedLengths } from './stripped-paths.ts';
import { hasExpressions, hasPassthrough, locationsOf, relayedUpstreams } from './table.ts';
import { plainCookie } from './upstreams.ts';

/** The input of the templates: complete, sorted and final, so that they only have to print it. */
export function toView(input: RenderInput, table: RouteTable, streams: StreamTable, views: Views) {
  const [first, ...others] = table.upstreams.map(views.upstream);
  const zone = `upstreams ${input.zoneKb}k`;
  const connections = toStreamsView(input, table, streams);
  return {
    cluster: input.cluster,
    version: VERSION_MARK,
    watch: input.watch,
    statusServer: STATUS_SERVER,
    statusExpression: STATUS_SERVER.replaceAll('.', String.raw`\.`),
    mirrorSocket: MIRROR_SOCKET,
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
    passthrough: toPassthroughView(table, views),
    streams: connections,
    streamUpstreams: streamUpstreams(input, table, streams, views),
    hasStream: hasPassthrough(table) || connections !== undefined || input.nginx.TCPOptions.length > 0,
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
      MaxConnections: input.nginx.MaxConnections + relayedUpstreams(table, streams).length,
      WorkerShutdownTimeout: shutdownTimeout(input),
    },
    pcreJit: !setsDirective(input.nginx.GlobalOptions, 'pcre_jit'),
    hash: namesHash(table.servers),
    upstreams: first === undefined ? [] : [{ ...first, zone }, ...others],
    stripped: strippedLengths(table).map((length) => ({ length, head: headOf(length) })),
    resolvingSteps,
    stickyCookies: [...new Set(table.upstreams.flatMap(({ affinity }) => plainCookie(affinity) ?? []))].toSorted(
      compareText,
    ),
    allowLists: allowLists(table),
    definitions: definitions(table, input),
    mirrors: handlesErrors(input) ? mirrorTargets(table) : [],
    answersChallenges: table.servers.some(({ thumbprint }) => thumbprint !== undefined),
    hasPending: locationsOf(table).some(({ isPending }) => isPending),
    pages: {
      unavailable: toPageView('unavailable_page', input.pages.unavailable),
      maintenance: toPageView('maintenance_page', input.pages.maintenance),
      notFound: toPageView('not_found_page', input.pages.notFound),
    },
    servers: table.servers.map(views.server),
    fallback: {
      ...toFallbackTlsView(table.fallbackTls, secretsFolderOf(input)),
      site: fallbackSite(input, table),
      locations: toLocationViews({ locations: table.fallback }, views.plain),
      secureLocations: toLocationViews({ locations: table.fallback }, views.secure),
    },
  };
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

function shutdownTimeout({ nginx }: RenderInput): string | undefined {
  return setsDirective(nginx.GlobalOptions, 'worker_shutdown_timeout') ? undefined : nginx.WorkerShutdownTimeout;
}
