import { nameRelay } from '../dns/name-case.ts';
import { metricsPort } from '../names.ts';
import type { Problem } from '../problem.ts';
import type { Cluster } from './clusters.ts';
import { settingsProblem } from './table.ts';

/** nginx's status server, the OCSP relay and the name relay, and metrics. Applications use other ports. */
const RESERVED: readonly number[] = [10_246, 10_247, nameRelay.port, metricsPort];
const KEYS = { tcp: 'TcpPorts', udp: 'UdpPorts' } as const;

/** Removes ports that the proxies cannot publish or listen on, and reports them. Swarm publishes a port only once. */
export function withUsablePorts(clusters: readonly Cluster[]): {
  readonly clusters: readonly Cluster[];
  readonly problems: readonly Problem[];
} {
  const problems: Problem[] = [];
  const taken = new Map<string, string>();
  for (const { name, settings } of clusters)
    for (const key of ['PublishedPort', 'PublishedSSLPort'] as const)
      taken.set(`tcp ${settings[key]}`, `Extensions.${name}.${key}`);
  const usable = clusters.map((cluster) => {
    const keep = (protocol: 'tcp' | 'udp') =>
      cluster.settings[KEYS[protocol]].filter((port) => {
        const path = `Extensions.${cluster.name}.${KEYS[protocol]}`;
        const id = `${protocol} ${port}`;
        const reason = protocol === 'tcp' ? ownUse(cluster, port) : undefined;
        const holder = reason === undefined && taken.has(id) ? `is also published by ${taken.get(id)}` : reason;
        if (holder === undefined) taken.set(id, path);
        else problems.push(settingsProblem(path, port, `${port} ${holder}, so it is ignored`, 'Choose another port.'));
        return holder === undefined;
      });
    const ports = { TcpPorts: keep('tcp'), UdpPorts: keep('udp') };
    return { ...cluster, settings: { ...cluster.settings, ...ports } };
  });
  return { clusters: usable, problems };
}

function ownUse({ settings: { TargetPort, TargetSSLPort } }: Cluster, port: number): string | undefined {
  if (port === TargetPort) return 'is the TargetPort of the proxies';
  if (port === TargetSSLPort) return 'is the TargetSSLPort of the proxies';
  return RESERVED.includes(port) ? 'is reserved for the proxies' : undefined;
}
