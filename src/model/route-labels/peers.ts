import type { LabelReader } from '../labels/label-reader.ts';
import type { ServiceContext } from '../parse-service.ts';
import type { Peer } from '../route.ts';
import type { SwarmNetwork, SwarmService } from '../snapshot.ts';
import { hostPeers, requireHostPort, usesHostPorts } from './host-ports.ts';
import { namedPeers } from './named-peers.ts';
import { readNetwork } from './network.ts';
import { readPort } from './port.ts';

/** Where the tasks listen. */
interface Place {
  /** Undefined if the label is missing or invalid. */
  readonly port: number | undefined;
  /** The port is published on the nodes, and the proxies connect to them. */
  readonly isOnHost: boolean;
  /** Over which the proxies reach the tasks otherwise. */
  readonly network: SwarmNetwork | undefined;
}

export function readPlace(reader: LabelReader, service: SwarmService, context: ServiceContext): Place {
  const port = readPort(reader);
  const isOnHost = usesHostPorts(reader, service, context);
  if (isOnHost && port !== undefined) requireHostPort(reader, service, port);
  return { port, isOnHost, network: isOnHost ? undefined : readNetwork(reader, service, context) };
}

/** Empty if the route is closed. */
export function peersAt(
  { port, isOnHost, network }: Place,
  mode: string,
  reader: LabelReader,
  service: SwarmService,
  context: ServiceContext,
): readonly Peer[] {
  if (reader.closed || port === undefined) return [];
  if (isOnHost) return hostPeers(service, port, context);
  return namedPeers(reader, service, network, mode, port);
}
