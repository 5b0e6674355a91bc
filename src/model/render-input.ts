import type { ClusterState } from './desired-state.ts';
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
  /** Whom the PROXY protocol is believed; empty where it is not spoken. */
  readonly proxyProtocolFrom: readonly string[];
  /** Secret with certificate and key for whoever has none of their own; '' where their handshakes fail. */
  readonly defaultCertificate: string;
  /** Requests are logged for the agent, which counts them. */
  readonly metrics: boolean;
  readonly nginx: NginxSettings;
  readonly zoneKb: number;
  /** The administrator's own main template; undefined for the built-in one. */
  readonly template: string | undefined;
  readonly pages: Pages;
  readonly routes: readonly Route[];
}

/** Texts of the administrator's own, which Docker configs hold. */
export type OwnTexts = Partial<Pick<RenderInput, 'template' | 'pages'>>;

export function toRenderInput(
  { cluster, routes, zoneKb, defaultCertificate, metricsSecret }: ClusterState,
  own: OwnTexts = {},
): RenderInput {
  const { settings, nginx } = cluster;
  return {
    cluster: cluster.name,
    targetPort: settings.TargetPort,
    targetSslPort: settings.TargetSSLPort,
    publishedSslPort: settings.PublishedSSLPort,
    proxyProtocolFrom: settings.ProxyProtocolFrom,
    defaultCertificate,
    metrics: metricsSecret !== undefined,
    nginx,
    zoneKb,
    template: own.template,
    pages: own.pages ?? {},
    routes,
  };
}
