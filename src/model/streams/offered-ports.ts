import type { StreamProtocol } from './stream-route.ts';

/** The ports of a cluster's proxies for TCP and UDP. */
export interface OfferedPorts {
  readonly tcp: readonly number[];
  readonly udp: readonly number[];
  /** The proxies see addresses of the routing mesh instead of the clients'. */
  readonly hidesTcp: boolean;
  readonly hidesUdp: boolean;
}

/** Why a service cannot be served on a port; undefined if it can. */
export function offeredPort(
  protocol: StreamProtocol,
  port: number,
  offered: Pick<OfferedPorts, StreamProtocol>,
): { readonly reason: string; readonly remedy: string } | undefined {
  const ports = offered[protocol];
  if (ports.includes(port)) return undefined;
  const setting = protocol === 'tcp' ? 'TcpPorts' : 'UdpPorts';
  const reason = `is not a port of the proxies, so this service is not served on it: ${setting} ${listed(ports)}`;
  const remedy =
    ports.length === 0
      ? `Add ${port} to ${setting} in the settings.`
      : `Use one of these ports, or add ${port} to ${setting} in the settings.`;
  return { reason, remedy };
}

function listed(ports: readonly number[]): string {
  return ports.length === 0 ? 'is empty' : `has ${ports.join(', ')}`;
}
