import { z } from 'zod';
import type { ClusterState } from '../../model/cluster-state.ts';
import { compareText } from '../../model/route.ts';
import type { VirtualServer } from '../../model/route-table/table.ts';
import type { Status } from '../reconcile/status.ts';
import type { User } from './access.ts';

/** A host for which DNS records or monitoring can be created. */
export const hostSchema = z
  .object({
    cluster: z.string(),
    host: z.string().describe('A name, or a wildcard such as `*.example.org`. Regular expressions are not listed.'),
    services: z.array(z.string()).readonly().describe('Services that serve it.'),
    nodes: z
      .array(
        z
          .object({ name: z.string(), address: z.string().nullable().describe('Null if Swarm does not know it.') })
          .readonly(),
      )
      .readonly()
      .describe(
        'Nodes on which the cluster\'s ports answer: all with `PublishMode = "ingress"`, else those with a proxy.',
      ),
    httpPort: z.int(),
    httpsPort: z.int(),
    certificate: z
      .object({
        secret: z.string(),
        notAfter: z.iso.datetime().nullable().describe('Null until the proxies or a job have read the secret.'),
      })
      .readonly()
      .nullable()
      .describe('Null if the proxies do not terminate TLS for the host.'),
  })
  .readonly();
export type HostView = z.infer<typeof hostSchema>;

/** The hosts of all clusters, for programs that manage DNS. */
export function toHostViews(status: Pick<Status, 'desired' | 'snapshot' | 'outcomes'> | undefined): HostView[] {
  if (status === undefined) return [];
  return status.desired.clusters.flatMap((state) => {
    const nodes = answeringNodes(state, status);
    return state.table.servers
      .filter(({ host }) => host.kind !== 'regex')
      .map((server) => toView(server, state, nodes));
  });
}

export function scopeHosts(hosts: readonly HostView[], { cluster }: Pick<User, 'cluster'>): readonly HostView[] {
  return cluster === undefined ? hosts : hosts.filter((host) => host.cluster === cluster);
}

function toView({ host, tls, locations }: VirtualServer, state: ClusterState, nodes: HostView['nodes']): HostView {
  const { name, settings } = state.cluster;
  const secret = tls.kind === 'terminated' ? tls.certificate : undefined;
  return {
    cluster: name,
    host: host.name,
    services: [...new Set(locations.flatMap(({ services }) => services))],
    nodes,
    httpPort: settings.PublicPort ?? settings.PublishedPort,
    httpsPort: settings.PublicSSLPort ?? settings.PublishedSSLPort,
    certificate: secret === undefined ? null : { secret, notAfter: expiryOf(secret, state) },
  };
}

/** The nodes on which the cluster's ports answer, by name. The routing mesh answers on every node. */
export function answeringNodes(
  { cluster }: ClusterState,
  { snapshot, outcomes }: Pick<Status, 'snapshot' | 'outcomes'>,
): HostView['nodes'] {
  const isMesh = cluster.settings.PublishMode === 'ingress';
  const tasks = outcomes.find(({ name }) => name === cluster.name)?.tasks ?? [];
  const running = new Set(tasks.flatMap(({ state, nodeId }) => (state === 'running' && nodeId ? nodeId : [])));
  return snapshot.nodes
    .filter(({ id, ready }) => ready && (isMesh || running.has(id)))
    .map(({ name, address }) => ({ name, address: address ?? null }))
    .toSorted((a, b) => compareText(a.name, b.name));
}

function expiryOf(secret: string, { facts }: ClusterState): string | null {
  const until = facts.get(secret)?.certificates[0]?.until;
  return until === undefined ? null : new Date(until).toISOString();
}
