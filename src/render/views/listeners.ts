import { TLS_SOCKET } from '../../model/proxy-places.ts';
import type { RenderInput } from '../../model/render-input.ts';
import type { RouteTable } from '../../model/route-table/table.ts';
import { hasPassthrough } from './table.ts';

export function listeners(
  { targetPort, targetSslPort, proxyProtocolFrom, listensOnIpv6 }: RenderInput,
  table: RouteTable,
) {
  const withHeader = proxyProtocolFrom.length > 0 ? ' proxy_protocol' : '';
  const endsInSocket = hasPassthrough(table);
  const httpListener = `${targetPort}${withHeader}`;
  const tlsPort = `${targetSslPort} ssl${withHeader}`;
  const streamListener = `${targetSslPort}${withHeader}`;
  // A socket for both would show IPv4 clients with IPv6 addresses.
  const onIpv6 = (listener: string) => (listensOnIpv6 ? `[::]:${listener}` : undefined);
  return {
    httpListener,
    httpListener6: onIpv6(httpListener),
    tlsListener: endsInSocket ? `${TLS_SOCKET} ssl proxy_protocol` : tlsPort,
    tlsListener6: endsInSocket ? undefined : onIpv6(tlsPort),
    streamListener,
    streamListener6: onIpv6(streamListener),
  };
}
