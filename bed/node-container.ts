import { createServer } from 'node:net';
import type Docker from 'dockerode';
import { GenericContainer, Wait } from 'testcontainers';
import type { Identity } from '../src/link/names.ts';
import { identityEnvironment } from './bed-identity.ts';
import { enginePort } from './bed-node.ts';
import { type BedShape, describeShape } from './bed-shape.ts';
import { ownerLabel } from './owner.ts';
import { bedLabel, nodeLabel, shapeLabel } from './places.ts';

// The image of testcontainers' reaper cannot be pulled everywhere, and a bed outlives the process that made it: labels sweep it.
process.env.TESTCONTAINERS_RYUK_DISABLED = 'true';

export interface NodePlan {
  readonly bed: string;
  readonly name: string;
  readonly shape: BedShape;
  readonly image: string;
  readonly network: string;
  readonly owner: string | undefined;
  /** Swarm wants the address that a node advertised again after a restart, so it is a fixed one. */
  readonly ip: string;
  readonly managerIps: readonly string[];
  readonly identity: Identity;
  /** Port in the node -> port of the host's loopback. */
  readonly ports: ReadonlyMap<number, number>;
}

class NodeContainer extends GenericContainer {
  constructor(plan: NodePlan) {
    super(plan.image);
    this.createOpts.NetworkingConfig = {
      EndpointsConfig: { [plan.network]: { Aliases: [plan.name], IPAMConfig: { IPv4Address: plan.ip } } },
    };
  }

  /** testcontainers binds to all addresses; the API of a node and the ports of a bed are for this machine alone. */
  protected override async beforeContainerCreated(): Promise<void> {
    const bindings: Record<string, { HostPort: string; HostIp?: string }[]> = this.hostConfig.PortBindings ?? {};
    for (const binding of Object.values(bindings).flat()) binding.HostIp = '127.0.0.1';
  }
}

/** Starts a node and waits until its engine answers. */
export async function startNode(plan: NodePlan): Promise<void> {
  await new NodeContainer(plan)
    .withName(`signalbox-${plan.bed}-${plan.name}`)
    .withHostname(plan.name)
    .withLabels({
      ...bedLabels(plan.bed, plan.owner),
      [nodeLabel]: plan.name,
      [shapeLabel]: describeShape(plan.shape),
    })
    .withEnvironment({ SIGNALBOX_MANAGERS: plan.managerIps.join(' '), ...identityEnvironment(plan.identity) })
    .withNetworkMode(plan.network)
    .withExposedPorts(...[...plan.ports].map(([container, host]) => ({ container, host })))
    .withPrivilegedMode()
    .withTmpFs({ '/run': 'rw', '/tmp': 'rw,exec' })
    .withWaitStrategy(Wait.forLogMessage(new RegExp(`API listen on .*:${enginePort}`)))
    .withStartupTimeout(120_000)
    .start();
}

const bedLabels = (bed: string, owner: string | undefined): Record<string, string> => ({
  [bedLabel]: bed,
  ...(owner === undefined ? {} : { [ownerLabel]: owner }),
});

/** Ports that were given away here: until a node holds it, the kernel would give one of them again. */
const given = new Set<number>();

/** A port that is free now. It stays the node's own when the node restarts, which a port chosen by the engine would not. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = await chosenByKernel();
    if (given.has(port)) continue;
    given.add(port);
    return port;
  }
}

function chosenByKernel(): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const server = createServer().on('error', reject);
  server.listen(0, '127.0.0.1', () => {
    const address = server.address();
    server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
  });
  return promise;
}

/**
 * Creates the network of a bed. An engine gives fixed addresses only in a subnet that somebody named, so we let it choose
 * one that is free, and name that.
 */
export async function createNetwork(docker: Docker, bed: string, owner: string | undefined): Promise<string> {
  const name = `signalbox-${bed}`;
  const Labels = bedLabels(bed, owner);
  const probe = await docker.createNetwork({ Name: name, Labels });
  const subnet = ((await probe.inspect()) as Docker.NetworkInspectInfo).IPAM?.Config?.[0]?.Subnet;
  await probe.remove();
  if (!subnet) throw new Error('The engine gave the network no subnet.');
  await docker.createNetwork({
    Name: name,
    Labels,
    IPAM: { Driver: 'default', Config: [{ Subnet: subnet }] },
  });
  return subnet;
}
