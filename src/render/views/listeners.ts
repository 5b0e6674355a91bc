import type { RenderInput } from '../../model/render-input.ts';
import type { RouteTable } from '../../model/route-table/table.ts';
import { hasPassthrough } from './table.ts';

/** Where TLS ends in nginx: behind the stream block if some connections are passed through. */
export const TLS_SOCKET = 'unix:/tmp/tls.sock';

export function listeners({ targetPort, targetSslPort, proxyProtocolFrom }: RenderInput, table: RouteTable) {
  const withHeader = proxyProtocolFrom.length > 0 ? ' proxy_protocol' : '';
  return {
    httpListener: `${targetPort}${withHeader}`,
    tlsListener: hasPassthrough(table) ? `${TLS_SOCKET} ssl proxy_protocol` : `${targetSslPort} ssl${withHeader}`,
    streamListener: `${targetSslPort}${withHeader}`,
  };
}
