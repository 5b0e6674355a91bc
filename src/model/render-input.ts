import type { ClusterState } from './desired-state.ts';
import type { WatchedNames } from './name-doubts.ts';
import type { Pages } from './pages.ts';
import type { Route } from './route.ts';
import type { NginxSettings } from './settings-keys.ts';

/** All that an extension is told to render one cluster's configuration: no secret, nothing of Docker's. */
export interface RenderInput {
  readonly cluster: string;
  readonly targetPort: number;
  readonly targetSslPort: number;
  /** Public port for HTTPS, for redirects to it. */
  readonly publishedSslPort: number;
  /** Ports that applications are told for clients that name none. */
  readonly defaultPorts: DefaultPorts;
  /** Balancers in front whose headers about the client are believed; addresses and networks. */
  readonly trustedProxies: readonly string[];
  /** Header in which they name the client's address. */
  readonly clientAddressHeader: string;
  /** Whom the PROXY protocol is believed; empty where it is not spoken. */
  readonly proxyProtocolFrom: readonly string[];
  /** Secret with certificate and key for whoever has none of their own; '' where their handshakes fail. */
  readonly defaultCertificate: string;
  /** Hosts that it covers; undefined if they are not known. */
  readonly defaultCertificateNames?: readonly string[] | undefined;
  /** Requests are logged for the agent, which counts them. */
  readonly metrics: boolean;
  readonly nginx: NginxSettings;
  readonly zoneKb: number;
  /** For the agents, which check what Docker's DNS answers. */
  readonly watch: WatchedNames;
  /** The administrator's own main template; undefined for the built-in one. */
  readonly template: string | undefined;
  readonly pages: Pages;
  readonly routes: readonly Route[];
}

interface DefaultPorts {
  readonly http: number;
  readonly https: number;
}

/** Texts of the administrator's own, which Docker configs hold. */
export type OwnTexts = Partial<Pick<RenderInput, 'template' | 'pages'>>;

export function toRenderInput(
  { cluster, routes, zoneKb, watch, defaultCertificate, defaultCertificateNames, metricsSecret }: ClusterState,
  own: OwnTexts = {},
): RenderInput {
  const { settings, nginx } = cluster;
  return {
    cluster: cluster.name,
    targetPort: settings.TargetPort,
    targetSslPort: settings.TargetSSLPort,
    publishedSslPort: settings.PublicSSLPort ?? settings.PublishedSSLPort,
    defaultPorts: { http: settings.PublicPort ?? 80, https: settings.PublicSSLPort ?? 443 },
    trustedProxies: settings.TrustedProxies,
    clientAddressHeader: settings.ClientAddressHeader,
    proxyProtocolFrom: settings.ProxyProtocolFrom,
    defaultCertificate,
    defaultCertificateNames,
    metrics: metricsSecret !== undefined,
    nginx,
    zoneKb,
    watch,
    template: own.template,
    pages: own.pages ?? {},
    routes,
  };
}
