import { createServer } from 'node:net';
import type Docker from 'dockerode';
import { GenericContainer, Wait } from 'testcontainers';
import type { Identity } from '../src/protocol/names.ts';
import { identityEnvironment } from './bed-identity.ts';
import { enginePort } from './bed-node.ts';
import { type BedShape, describeShape } from './bed-shape.ts';
import { ownerLabel } from './owner.ts';
import { bedLabel, nodeLabel, shapeLabel } from './places.ts';

// The image of testcontainers' reaper cannot be pulled everywhere, and a bed outlives the process that created it. So
// cleanup uses labels.
process.env.TESTCONTAINERS_RYUK_DISABLED = 'true';

export interface NodePlan {
  readonly bed: string;
  readonly name: string;
  readonly shape: BedShape;
  readonly image: string;
  readonly network: string;
  /** Registries in this subnet, the bed's own, may be reached without TLS. */
  readonly subnet: string;
  readonly owner: string | undefined;
  /** A node must keep the address that it advertised to the swarm across restarts, so it is fixed. */
  readonly ip: string;
  readonly managerIps: readonly string[];
  readonly identity: Identity;
  /** Port in the node -> port on the host's loopback interface. */
  readonly ports: ReadonlyMap<number, number>;
}

class NodeContainer extends GenericContainer {
  constructor(plan: NodePlan) {
    super(plan.image);
    this.createOpts.NetworkingConfig = {
      EndpointsConfig: { [plan.network]: { Aliases: [plan.name], IPAMConfig: { IPv4Address: plan.ip } } },
    };
  }

  /** testcontainers binds to all addresses. A node's API and a bed's ports must be reachable from this machine only. */
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
    .withCommand([`--insecure-registry=${plan.subnet}`])
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

/** Ports that were already handed out here: until a node binds one, the kernel could hand it out again. */
const given = new Set<number>();

/** A port that is free now. It stays the same when the node restarts, unlike a port that the engine chooses. */
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
 * Creates the network of a bed. An engine assigns fixed addresses only in an explicitly configured subnet. So the
 * engine first chooses a free subnet, which is then configured explicitly.
 */
export async function createNetwork(docker: Docker, bed: string, owner: string | undefined): Promise<string> {
  const name = `signalbox-${bed}`;
  const Labels = bedLabels(bed, owner);
  const probe = await docker.createNetwork({ Name: name, Labels });
  const subnet = ((await probe.inspect()) as Docker.NetworkInspectInfo).IPAM?.Config?.[0]?.Subnet;
  await probe.remove();
  if (!subnet) throw new Error('The engine assigned no subnet to the network.');
  await docker.createNetwork({
    Name: name,
    Labels,
    IPAM: { Driver: 'default', Config: [{ Subnet: subnet }] },
  });
  return subnet;
}
