import { memoize } from '../../lib/memo.ts';
import { hopByHopHeaders } from '../../model/proxy-headers.ts';
import { TLS_SOCKET } from '../../model/proxy-places.ts';
import type { VirtualServer } from '../../model/route-table/table.ts';
import type { Upstream } from '../../model/upstream.ts';
import type { Common } from './common.ts';
import type { LocationContext } from './location-context.ts';
import { toServerView } from './servers.ts';
import { siteOf } from './sites.ts';
import { targetOf } from './stream.ts';
import { toUpstreamView } from './upstreams.ts';

/** Views of hosts and upstreams, cached between renderings: equal ones are the same object. */
export type Views = ReturnType<typeof createViews>;

export function createViews(common: Common) {
  const { httpsPort, hashesAddresses, readTimeout, maxBodySize, handlesErrors, isTrusting, namesService } = common;
  const plain: LocationContext = {
    handlesErrors,
    isTrusting,
    namesService,
    readTimeout,
    maxBodySize,
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
    server: memoize((server: VirtualServer) => toServerView(server, common, { plain, secure })),
  };
}
