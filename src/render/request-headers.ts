import { isGrpc } from '../model/features/backend-protocol.ts';
import type { HeaderChange } from '../model/features/feature.ts';
import { changedRequestHeaders, featureServerBlocks } from '../model/features/features.ts';
import {
  forwardingHeaders,
  hopByHopHeaders,
  identityHeaders,
  setHeaders,
  withUnderscores,
} from '../model/proxy-headers.ts';
import type { RenderInput } from '../model/render-input.ts';
import { strippedRoot } from '../model/route-table/location.ts';
import type { HostTls, Location, RouteTable } from '../model/route-table/table.ts';
import { NginxTextError, readStatements, type Statement } from '../nginx-text/statements.ts';
import { quote } from './quote.ts';
import { askedHost, clientVariables } from './trusted.ts';

/** The request headers that services receive from the proxies, for the partials `request-headers` and `grpc-request-headers`. */
export interface CommonRequestHeaders {
  readonly appHost: string;
  readonly client: ReturnType<typeof clientVariables>;
  readonly asksClients: boolean;
  /** Whether requests may become WebSockets. */
  readonly upgrades: boolean;
  readonly forgeries: readonly string[];
  readonly grpcForgeries: readonly string[];
}

/**
 * Identity headers that a client may not send are set to nothing, which costs less per request than an empty variable.
 */
export function commonRequestHeaders(input: RenderInput, table: RouteTable): CommonRequestHeaders {
  const asksClients = [table.fallbackTls, ...table.servers.map(({ tls }) => tls)].some((tls) => clientCaOf(tls) !== '');
  const spelled = input.nginx.UnderscoresInHeaders
    ? [...identityHeaders, ...forwardingHeaders, ...setHeaders].flatMap(withUnderscores)
    : [];
  const own = asksClients ? [] : identityHeaders;
  const forgeries = [...own, ...forwardingHeaders, ...hopByHopHeaders.slice(1), 'Trailer'];
  return {
    appHost: askedHost(table),
    client: clientVariables(input, table),
    asksClients,
    upgrades: true,
    forgeries: [...forgeries, ...spelled],
    // gRPC metadata has only one spelling.
    grpcForgeries: forgeries,
  };
}

export const clientCaOf = (tls: HostTls) => (tls.kind === 'terminated' ? tls.clientCa : '');

/**
 * What a location with request headers of its own must repeat: nginx then inherits none. Absent if no location has any,
 * so that other configurations are not affected.
 */
export type RepeatedHeaders = ReturnType<typeof repeatedHeaders>;

export function repeatedHeaders(input: RenderInput, table: RouteTable, locations: readonly Location[]) {
  const setsHeaders = ({ options }: Location) =>
    changedRequestHeaders(options).length > 0 || featureServerBlocks(options, { id: '' }).length > 0;
  if (!locations.some(setsHeaders)) return undefined;
  return {
    ...commonRequestHeaders(input, table),
    stripped: locations.some(strippedRoot),
    spellsUnderscores: input.nginx.UnderscoresInHeaders,
    administrators: headersIn(input.nginx.HTTPOptions),
  };
}

/** Undefined if the location inherits its request headers. */
export function toRequestHeadersView({ options }: Pick<Location, 'options'>, common: RepeatedHeaders) {
  return toChangedView(changedRequestHeaders(options), common, isGrpc(options.protocol));
}

/** The complete list of request headers with these changes. */
export function toChangedView(changes: readonly HeaderChange[], common: RepeatedHeaders, isGrpcCall = false) {
  if (common === undefined || changes.length === 0) return undefined;
  const { spellsUnderscores, administrators, ...repeated } = common;
  const own = new Set(changes.map(({ name }) => name.toLowerCase()));
  const isLeft = (name: string) => !own.has(name.toLowerCase());
  const { text: host } = changes.find(({ name }) => name === 'Host') ?? {};
  const changed = changes.filter(({ name }) => name !== 'Host');
  return {
    ...repeated,
    isGrpc: isGrpcCall,
    upgrades: isLeft('Upgrade'),
    directive: isGrpcCall ? 'grpc_set_header' : 'proxy_set_header',
    ...(host === undefined ? {} : { appHost: quote(host) }),
    forgeries: repeated.forgeries.filter(isLeft),
    grpcForgeries: repeated.grpcForgeries.filter(isLeft),
    administrators: administrators.filter(
      ({ directive, name }) => directive.startsWith(isGrpcCall ? 'grpc' : 'proxy') && isLeft(name),
    ),
    changed: changed.map(toChange),
    spellings: spellsUnderscores && !isGrpcCall ? changed.flatMap(({ name }) => withUnderscores(name)) : [],
  };
}

/**
 * What all locations of a server send alike, for the server: nginx then keeps it in memory once. Undefined if they differ,
 * or inherit it.
 */
export function sharedRequestHeaders(locations: readonly Pick<Location, 'options'>[], common: RepeatedHeaders) {
  const [first, ...others] = locations.map((location) => toRequestHeadersView(location, common));
  return others.every((other) => JSON.stringify(other) === JSON.stringify(first)) ? first : undefined;
}

export function toChange({ name, text = '', variable }: HeaderChange) {
  return { name, text, variable };
}

/** Request headers that the administrator sets in `HTTPOptions`, as words of nginx. */
function headersIn(options: readonly string[]) {
  const found: { readonly directive: string; readonly name: string; readonly value: string }[] = [];
  let depth = 0;
  const visitor = {
    statement({ words: [directive = '', name = '', value = ''], opens }: Statement) {
      if (depth === 0 && /^(?:proxy|grpc)_set_header$/.test(directive))
        found.push({ directive, name, value: `"${value.replaceAll(/["\\]/g, String.raw`\$&`)}"` });
      if (opens) depth += 1;
      return undefined;
    },
    close() {
      depth -= 1;
    },
  };
  try {
    readStatements(options.join('\n'), visitor);
  } catch (error) {
    // nginx rejects the text too.
    if (!(error instanceof NginxTextError)) throw error;
  }
  return found;
}
