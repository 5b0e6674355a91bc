import { z } from 'zod';
import { isDown } from '../../model/backends/backends.ts';
import { streamProtocols } from '../../model/streams/stream-route.ts';
import type { StreamPort, StreamServer } from '../../model/streams/stream-table.ts';
import type { Status } from '../reconcile/status.ts';

export const streamSchema = z
  .object({
    cluster: z.string(),
    protocol: z.enum(streamProtocols),
    port: z.int(),
    host: z.string().nullable().describe('Name in the TLS handshake; null for all that no other service has.'),
    tls: z.enum(['none', 'terminated', 'passthrough']).describe('Where TLS ends: in the proxies, in the service.'),
    service: z.string(),
    available: z.boolean().describe('If false, connections are refused or closed.'),
    answer: z.string().describe('What happens to connections and why, in plain words.'),
  })
  .readonly();
export type StreamView = z.infer<typeof streamSchema>;

/** The TCP and UDP ports of all clusters. */
export function toStreamViews(status: Status): StreamView[] {
  return status.desired.clusters.flatMap(({ cluster, streamTable }) =>
    streamTable.ports.flatMap((port) => ofPort(cluster.name, port, status)),
  );
}

function ofPort(
  cluster: string,
  { protocol, port, kind, servers, fallback }: StreamPort,
  status: Status,
): StreamView[] {
  const view = (host: string | null, { route, upstream }: StreamServer) => ({
    cluster,
    protocol,
    port,
    host,
    tls: kind,
    service: route.service.name,
    available: upstream !== undefined,
    answer: answerOf(route.service.name, upstream !== undefined, status),
  });
  return [
    ...servers.map(({ host, ...server }) => view(host.kind === 'regex' ? `~${host.name}` : host.name, server)),
    ...(fallback === undefined ? [] : [view(null, fallback)]),
  ];
}

function answerOf(service: string, isAvailable: boolean, { snapshot, backends }: Status): string {
  if (!isAvailable) {
    const mode = snapshot.services.find(({ name }) => name === service)?.mode;
    const isIdle = mode?.kind === 'replicated' && mode.replicas === 0;
    return isIdle ? 'closed: no tasks are desired' : 'closed: see the problems of the service';
  }
  const state = backends.get(service);
  return state !== undefined && isDown(state)
    ? `no task answers: ${state.problem?.reason ?? 'none runs'}`
    : 'forwarded';
}
