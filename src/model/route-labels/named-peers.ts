import { encodeCase, fitsDns, hasUpperCase } from '../dns/name-case.ts';
import type { LabelReader } from '../labels/label-reader.ts';
import { controlNetwork } from '../names.ts';
import { shownValue } from '../problem.ts';
import type { Peer } from '../route.ts';
import type { SwarmNetwork, SwarmService } from '../snapshot.ts';
import { networkLabels } from './network.ts';
import { wantedTasks } from './wanted-tasks.ts';

/**
 * Tasks are followed through Docker's DNS: `tasks.<service>.<network>` lists every healthy task. The network in the name prevents old engines from
 * answering with another network's addresses. A service without tasks must be rendered as 503: its last addresses may belong to another service by
 * now.
 */
export function namedPeers(
  reader: LabelReader,
  service: SwarmService,
  network: SwarmNetwork | undefined,
  mode: string,
  port: number,
): Peer[] {
  if (network === undefined || wantedTasks(service, 1) === 0) return [];
  if (isControlNetwork(network)) {
    const remedy = 'Attach the service to another overlay network, and set the label to it.';
    reader.refuse(
      networkLabels.network,
      `refers to ${shownValue(network.name)}, a network reserved for Signalbox`,
      remedy,
    );
    return [];
  }
  const isVirtual = mode === 'vip';
  const name = `${service.name}.${network.name}`;
  const address = isVirtual ? name : `tasks.${name}`;
  // Docker's DNS compares names of services case-insensitively.
  const exactCase = hasUpperCase(network.name);
  if (!fitsDns(exactCase ? encodeCase(address) : address)) {
    reader.refuse(
      networkLabels.network,
      `results in the name ${shownValue(address)}, which is too long for DNS`,
      'Give the service or the network a shorter name.',
    );
    return [];
  }
  const peer: Peer = { address, port, resolve: true, ...(exactCase ? { exactCase } : {}) };
  return [isVirtual ? { ...peer, virtual: true } : peer];
}

/**
 * Proxies reject configurations with names on the control network. Names on a network with the same ending look like
 * that.
 */
function isControlNetwork({ name }: SwarmNetwork): boolean {
  return name === controlNetwork || name.endsWith(`.${controlNetwork}`);
}
