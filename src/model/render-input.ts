import type { ClusterState } from './cluster-state.ts';
import type { WatchedNames } from './dns/name-doubts.ts';
import type { Pages } from './pages.ts';
import type { Route } from './route.ts';
import { renameSecrets } from './secrets/rename-secrets.ts';
import type { NginxSettings } from './settings/keys.ts';
import { renameStreamSecrets } from './streams/rename-stream-secrets.ts';
import type { StreamRoute } from './streams/stream-route.ts';
import type { ConfigurationFile } from './version.ts';

/** An extension's complete input to render one cluster's configuration: no secrets, and nothing of Docker's API. */
export interface RenderInput {
  readonly cluster: string;
  readonly targetPort: number;
  readonly targetSslPort: number;
  /** Public HTTPS port, for redirects. */
  readonly publishedSslPort: number;
  /** Ports passed to applications for clients that name none. */
  readonly defaultPorts: DefaultPorts;
  /** Addresses and networks of the balancers whose client headers are trusted. */
  readonly trustedProxies: readonly string[];
  /** Header in which they pass the client's address. */
  readonly clientAddressHeader: string;
  /** Whether the proxies also listen on IPv6 addresses. */
  readonly listensOnIpv6: boolean;
  /** Sources from which the PROXY protocol is accepted; empty if it is disabled. */
  readonly proxyProtocolFrom: readonly string[];
  /** Secret with certificate and key for hosts without their own; '' if their handshakes fail. */
  readonly defaultCertificate: string;
  /** Hosts that it covers; undefined if they are unknown. */
  readonly defaultCertificateNames?: readonly string[] | undefined;
  /** Encrypted secrets, as files of the version; undefined if Swarm mounts secrets into the proxies. */
  readonly secretFiles?: readonly ConfigurationFile[] | undefined;
  /** Whether requests are logged for the agent, which counts them. */
  readonly metrics: boolean;
  readonly nginx: NginxSettings;
  readonly zoneKb: number;
  /** For the agents, which check the answers of Docker's DNS. */
  readonly watch: WatchedNames;
  /** The administrator's own main template; undefined for the built-in one. */
  readonly template: string | undefined;
  readonly pages: Pages;
  readonly routes: readonly Route[];
  /** Routes of connections. */
  readonly streams: readonly StreamRoute[];
}

interface DefaultPorts {
  readonly http: number;
  readonly https: number;
}

/** The administrator's texts, stored in Docker configs. */
export type AdministratorTexts = Partial<Pick<RenderInput, 'template' | 'pages'>>;

export function toRenderInput(state: ClusterState, texts: AdministratorTexts = {}): RenderInput {
  const { cluster, routes, packed, zoneKb, watch, listensOnIpv6, defaultCertificate, defaultCertificateNames } = state;
  const { settings, nginx } = cluster;
  return {
    cluster: cluster.name,
    targetPort: settings.TargetPort,
    targetSslPort: settings.TargetSSLPort,
    publishedSslPort: settings.PublicSSLPort ?? settings.PublishedSSLPort,
    defaultPorts: { http: settings.PublicPort ?? 80, https: settings.PublicSSLPort ?? 443 },
    trustedProxies: settings.TrustedProxies,
    clientAddressHeader: settings.ClientAddressHeader,
    listensOnIpv6,
    proxyProtocolFrom: settings.ProxyProtocolFrom,
    defaultCertificate: packed?.names.get(defaultCertificate) ?? defaultCertificate,
    defaultCertificateNames,
    metrics: settings.HitlessServiceUpdate,
    nginx,
    zoneKb,
    watch,
    template: texts.template,
    pages: texts.pages ?? {},
    routes: packed === undefined ? routes : renameSecrets(routes, packed.names),
    streams: packed === undefined ? state.streams : renameStreamSecrets(state.streams, packed.names),
    ...(packed === undefined ? {} : { secretFiles: packed.files }),
  };
}
