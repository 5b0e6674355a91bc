import type { Placement, SwarmNetwork, SwarmNode, SwarmService } from '../../src/model/snapshot.ts';

/** Routing labels without their prefix, to keep tests readable. */
type Labels = Readonly<Record<string, string>>;

interface ServiceOptions extends Partial<Omit<SwarmService, 'labels' | 'networkIds' | 'name'>> {
  readonly host?: string;
  readonly port?: string;
  /** Names of networks, which are also their ids. */
  readonly networks?: readonly string[];
  /** `com.docker.lb.*`, in addition to host and port. */
  readonly lb?: Labels;
  readonly labels?: Labels;
}

/** A service as a user deploys it: one task on the network `app`, published as `<name>.example.org`. */
export function aService(name: string, options: ServiceOptions = {}): SwarmService {
  const { host = `${name}.example.org`, port = '8080', networks = ['app'], lb = {}, labels = {}, ...rest } = options;
  const routing = Object.entries({ hosts: host, port, ...lb }).map(([key, value]) => [`com.docker.lb.${key}`, value]);
  return {
    id: name,
    name,
    createdAt: '',
    labels: { ...Object.fromEntries(routing), ...labels },
    networkIds: networks,
    mode: { kind: 'replicated', replicas: 1 },
    endpointMode: 'vip',
    ports: [],
    ...rest,
  };
}

/** Of a service that may run on every node. */
export const anywhere: Placement = { constraints: [], spreadOver: [], platforms: [] };

export function aNetwork(name: string, options: Partial<SwarmNetwork> = {}): SwarmNetwork {
  return { id: name, name, driver: 'overlay', scope: 'swarm', ingress: false, ...options };
}

export function aNode(id: string, options: Partial<SwarmNode> = {}): SwarmNode {
  return {
    id,
    name: id,
    role: 'worker',
    ready: true,
    active: true,
    address: '192.0.2.1',
    platform: { os: 'linux', architecture: 'x86_64' },
    ...options,
  };
}
