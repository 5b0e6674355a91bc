/** What one end of the channel requires to authenticate itself and its peer. All PEM. */
export interface Identity {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** Names in certificates are roles, not addresses. */
export const controllerName = 'controller.signalbox';

export function extensionName(cluster: string): string {
  return `${cluster.toLowerCase()}.extension.signalbox`;
}

/** For the job that reads secrets for a cluster's proxies. */
export function readerName(cluster: string): string {
  return `${cluster.toLowerCase()}.reader.signalbox`;
}

/** For the agents in a cluster's proxies. */
export function proxyName(cluster: string): string {
  return `${cluster.toLowerCase()}.proxy.signalbox`;
}

/** Of the controller's metrics. It grants nothing on the control channel. */
export const metricsName = 'metrics.signalbox';

/** For the service that orders certificates. */
export const acmeName = 'acme.signalbox';
