import { PASSTHROUGH_SOCKET, TLS_SOCKET } from '../../model/proxy-places.ts';
import type { RenderInput } from '../../model/render-input.ts';
import { compareText } from '../../model/route.ts';
import type { RouteTable } from '../../model/route-table/table.ts';
import type { StreamTable } from '../../model/streams/stream-table.ts';
import type { Views } from './cached.ts';
import { hasPassthrough } from './table.ts';

/** The upstreams of the block `stream`. Hosts that are passed through may share tasks with TCP ports. */
export function streamUpstreams(
  { zoneKb }: RenderInput,
  { passthroughs }: RouteTable,
  streams: StreamTable,
  views: Views,
) {
  const byName = new Map([...passthroughs, ...streams.upstreams].map((upstream) => [upstream.name, upstream]));
  const sorted =
    streams.upstreams.length === 0
      ? passthroughs
      : [...byName.values()].toSorted((a, b) => compareText(a.name, b.name));
  const [first, ...others] = sorted.map(views.passthrough);
  return first === undefined ? [] : [{ ...first, zone: `passthroughs ${zoneKb}k` }, ...others];
}

/** All connections arrive on one port; the requested server name selects their target. */
export function toPassthroughView(table: RouteTable, views: Views) {
  if (!hasPassthrough(table)) return undefined;
  const { fallbackTls } = table;
  const fallback = fallbackTls.kind === 'passthrough' ? fallbackTls : undefined;
  return {
    tlsSocket: TLS_SOCKET,
    socket: PASSTHROUGH_SOCKET,
    // A name whose TLS ends here must not match a wildcard that is passed through.
    targets: table.servers.map(views.target),
    fallbackTarget: fallback === undefined ? TLS_SOCKET : targetOf(fallback),
    plain: table.servers.filter(({ tls }) => tls.kind === 'passthrough' && !tls.proxyProtocol).map(views.plainTarget),
    plainFallback: fallback?.upstream,
  };
}

export function targetOf({ upstream, proxyProtocol }: { upstream: string; proxyProtocol: boolean }): string {
  return proxyProtocol ? upstream : PASSTHROUGH_SOCKET;
}
