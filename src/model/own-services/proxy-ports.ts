import type { Cluster } from '../settings/clusters.ts';

export interface DesiredPort {
  readonly published: number;
  readonly target: number;
  readonly mode: 'ingress' | 'host';
  /** Defaults to TCP. */
  readonly protocol?: 'udp';
}

/** The ports that a cluster's proxies publish. */
export function portsOf({ settings }: Cluster): DesiredPort[] {
  const {
    PublishedPort,
    PublishedSSLPort,
    TargetPort,
    TargetSSLPort,
    TcpPorts,
    UdpPorts,
    PublishMode: mode,
  } = settings;
  const http = [
    { published: PublishedPort, target: TargetPort, mode },
    { published: PublishedSSLPort, target: TargetSSLPort, mode },
  ];
  // Administrators can change the ports of HTTP after the settings were checked.
  const tcp = TcpPorts.filter((port) => http.every(({ published }) => published !== port));
  return [
    ...http,
    ...tcp.map((port) => ({ published: port, target: port, mode })),
    ...UdpPorts.map((port) => ({ published: port, target: port, mode, protocol: 'udp' as const })),
  ];
}
