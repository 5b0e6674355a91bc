import type Docker from 'dockerode';
import { parseAnswer } from './answer.ts';
import { call, isStatus } from './docker-error.ts';
import { EngineNetwork } from './schema.ts';

const Addressed = EngineNetwork.pick({ IPAM: true });

/** Subnets of a network, such as `10.0.1.0/24`; empty if the network does not exist. */
export async function networkSubnets(docker: Docker, name: string): Promise<string[]> {
  try {
    const network = parseAnswer(Addressed, await call('Inspect network', () => docker.getNetwork(name).inspect()));
    return network.IPAM?.Config.flatMap(({ Subnet }) => Subnet ?? []) ?? [];
  } catch (error) {
    if (isStatus(error, 404)) return [];
    throw error;
  }
}
