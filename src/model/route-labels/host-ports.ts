import type { LabelReader } from '../labels/label-reader.ts';
import type { ServiceContext } from '../parse-service.ts';
import { compareText, type Peer } from '../route.ts';
import type { SwarmService } from '../snapshot.ts';
import { networkLabels } from './network.ts';
import { portLabels } from './port.ts';

/**
 * A service that publishes its port on its nodes is reached at the addresses of the nodes and requires no overlay network. A name of a network that
 * exists only on a node selects this too, next to an overlay network.
 */
export function usesHostPorts(reader: LabelReader, service: SwarmService, { networks }: ServiceContext): boolean {
  if (!service.ports.some(({ mode }) => mode === 'host')) return false;
  const wanted = reader.has('network') ? reader.read(networkLabels.network) : undefined;
  const overlays = service.networkIds.filter((id) => networks.get(id)?.driver === 'overlay');
  return wanted === 'bridge' || wanted === 'host' || overlays.length === 0;
}

export function requireHostPort(reader: LabelReader, { ports }: SwarmService, port: number): void {
  const published = ports.filter(({ mode }) => mode === 'host').map(({ target }) => target);
  if (published.includes(port)) return;
  reader.refuse(
    portLabels.port,
    'is not published on the nodes, which is how the proxies reach the service',
    `Name one of: ${[...new Set(published)].toSorted((a, b) => a - b).join(', ')}. Or attach the service to an overlay network.`,
  );
}

export function hostPeers({ id }: SwarmService, port: number, { hostTasks, nodes }: ServiceContext): Peer[] {
  const peers = (hostTasks.get(id) ?? []).flatMap(({ nodeId, ports }) => {
    const address = nodes.get(nodeId)?.address;
    const published = ports.find(({ target, mode }) => target === port && mode === 'host')?.published;
    return address === undefined || published === undefined ? [] : [{ address, port: published, resolve: false }];
  });
  return peers.toSorted((a, b) => compareText(a.address, b.address) || a.port - b.port);
}
