/** What one end of the channel needs to prove who it is and to know the other. All PEM. */
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

/** Of the agents in the proxies of a cluster. */
export function proxyName(cluster: string): string {
  return `${cluster.toLowerCase()}.proxy.signalbox`;
}
