import type { Host } from '../hosts/host.ts';
import type { Problem } from '../problem.ts';
import type { Route } from '../route.ts';
import type { Upstream } from '../upstream.ts';
import { buildTls } from './host-tls.ts';
import { buildLocations } from './locations.ts';
import { canonicalOf, pathRedirectsOf, redirectDisagreements, redirectOf } from './redirects.ts';
import type { VirtualServer } from './table.ts';

/** The entries of one host in the table. */
export interface HostClaims {
  readonly server: VirtualServer;
  readonly upstreams: readonly Upstream[];
  readonly passthroughs: readonly Upstream[];
  readonly problems: readonly Problem[];
}

export function buildHost(host: Host, owners: readonly Route[]): HostClaims {
  const { problems, locations, tls, ...others } = claim(owners, host.name);
  const redirect = redirectOf(owners, host);
  const secureRedirect = redirectOf(owners, host, true);
  const pathRedirects = pathRedirectsOf(owners, host, locations);
  const isRedirected = redirect !== undefined || pathRedirects.length > 0;
  const canonical = isRedirected ? undefined : canonicalOf(owners, host);
  const { thumbprint } = owners.find(({ acme }) => acme?.thumbprint !== undefined)?.acme ?? {};
  return {
    ...others,
    server: {
      host,
      redirect,
      secureRedirect,
      canonical,
      pathRedirects,
      maintenance: owners[0]!.maintenance,
      tls,
      thumbprint,
      locations,
    },
    problems: [...redirectDisagreements(owners, host), ...problems],
  };
}

/** Merges the routes that share a name. */
export function claim(owners: readonly Route[], host: string) {
  const upstreams = new Map<string, Upstream>();
  const passthroughs = new Map<string, Upstream>();
  const problems: Problem[] = [];
  const tls = buildTls(owners, host, passthroughs, problems);
  const locations = buildLocations(owners, { host, tls, upstreams, problems });
  return { tls, locations, problems, upstreams: [...upstreams.values()], passthroughs: [...passthroughs.values()] };
}
