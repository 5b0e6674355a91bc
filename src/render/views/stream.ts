import type { RenderInput } from '../../model/render-input.ts';
import type { RouteTable } from '../../model/route-table/table.ts';
import type { Views } from './cached.ts';
import { TLS_SOCKET } from './listeners.ts';
import { hasPassthrough } from './table.ts';

const PASSTHROUGH_SOCKET = 'unix:/tmp/passthrough.sock';

/** All connections arrive on one port; the requested server name selects their target. */
export function toPassthroughView({ zoneKb }: RenderInput, table: RouteTable, views: Views) {
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

export function targetOf({ upstream, proxyProtocol }: { upstream: string; proxyProtocol: boolean }): string {
  return proxyProtocol ? upstream : PASSTHROUGH_SOCKET;
}
