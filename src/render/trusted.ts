import { digest } from '../lib/digest.ts';
import { toGeo } from '../model/allow-list.ts';
import type { RenderInput } from '../model/render-input.ts';
import { compareText } from '../model/route.ts';
import type { RouteTable } from '../model/route-table/table.ts';

/** Maximum number of chained balancers that may each have added an address; further addresses are ignored. */
const MOST_HOPS = 4;
/** `192.0.2.1`, `192.0.2.1:8080`, `2001:db8::1`, `[2001:db8::1]` or `[2001:db8::1]:8080`: the address alone. */
const address = (name: string) =>
  String.raw`(?|\[(?<${name}>[0-9a-f:.]+)\](?::\d+)?|(?<${name}>[0-9.]+)(?::\d+)?|(?<${name}>[0-9a-f:]*:[0-9a-f:.]*))`;

export function clientAddress({ trustedProxies }: Pick<RenderInput, 'trustedProxies'>): string {
  return trustedProxies.length === 0 ? '$remote_addr' : '$client_address';
}

/** The host and port that the client requested. A request without a host is possible only if the default server has a service. */
export function askedHost({ fallback }: RouteTable): string {
  return fallback.length === 0 ? '$host$is_request_port$request_port' : '$app_host';
}

/** Variables that describe the client: from the connection itself, or from a trusted balancer. */
export function clientVariables(input: RenderInput, table: RouteTable) {
  const address = clientAddress(input);
  if (input.trustedProxies.length === 0)
    return { address, scheme: '$scheme', host: '$host', hostAndPort: askedHost(table) };
  return {
    address,
    scheme: '$client_scheme',
    host: '$client_host',
    hostAndPort: '$client_host_port',
  };
}

/** For the partial `trusted`; undefined if no balancer is trusted. */
export function toTrustedView({ trustedProxies, clientAddressHeader }: RenderInput, table: RouteTable) {
  if (trustedProxies.length === 0) return undefined;
  const readsForwarded = clientAddressHeader.toLowerCase() === 'forwarded';
  const isList = readsForwarded || clientAddressHeader.toLowerCase() === 'x-forwarded-for';
  const count = isList ? MOST_HOPS : 1;
  return {
    networks: toGeo(trustedProxies),
    headerVariable: `$http_${clientAddressHeader.toLowerCase().replaceAll('-', '_')}`,
    readsForwarded,
    hops: Array.from({ length: count }, (_, position) => {
      const number = position + 1;
      return {
        number,
        pattern: readsForwarded ? forwardedPattern(number) : listPattern(number),
        before: position === 0 ? '$remote_addr' : `$hop${position}`,
        next: number < count ? `$client${number + 1}` : undefined,
      };
    }),
    hsts: hstsValues(table).map((value) => ({ variable: hstsVariable(value), value })),
  };
}

/** A pattern for the address at this position from the right. */
function listPattern(number: number): string {
  return String.raw`~*^(?:.*,)?\s*${address(`hop${number}_address`)}\s*(?:,[^,]*){${number - 1}}$`;
}

function forwardedPattern(number: number): string {
  const value = String.raw`\"?${address(`hop${number}_address`)}\"?`;
  return String.raw`~*^(?:.*,)?(?:[^,]*;)?\s*for=${value}\s*(?:;[^,]*)?(?:,[^,]*){${number - 1}}$`;
}

export function hstsVariable(value: string): string {
  return `hsts_${digest(value)}`;
}

function hstsValues({ servers }: RouteTable): string[] {
  const values = servers.flatMap(({ tls }) => ('hsts' in tls && tls.hsts ? [tls.hsts] : []));
  return [...new Set(values)].toSorted(compareText);
}
