import { z } from 'zod';
import { isNetwork } from '../model/allow-list.ts';
import { type StreamRoute, streamProtocols } from '../model/streams/stream-route.ts';
import { name, secretName } from './message-parts.ts';
import { backend, host } from './route-message.ts';

const networks = z.array(z.string().refine(isNetwork)).max(10_000);
const tls = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('none') }),
  z.object({
    kind: z.literal('terminated'),
    // '' if the route is closed.
    certificate: secretName.or(z.literal('')),
    alpn: z.array(z.string().regex(/^[A-Za-z0-9][A-Za-z0-9./_-]{0,24}$/)).max(8),
  }),
  z.object({ kind: z.literal('passthrough') }),
]);

/** A route of connections, as the controller sends it to the extension. */
export const stream = z.object({
  service: z.object({ id: name, name, createdAt: name }),
  protocol: z.enum(streamProtocols),
  port: z.int().min(1).max(65_535),
  hosts: z.array(host).max(2000),
  tls,
  options: z.object({
    proxyProtocol: z.boolean(),
    allow: networks.optional(),
    deny: networks.optional(),
    connectionLimit: z.int().min(1).max(65_535).optional(),
    connectTimeout: z.int().min(1).max(75).optional(),
    idleTimeout: z.int().min(1).max(86_400).optional(),
    responses: z.int().min(1).max(1000).optional(),
  }),
  backend,
});

/** Why a route is excluded from requests; undefined if it is valid. */
export function streamFault(candidate: StreamRoute): string | undefined {
  const [issue] = stream.safeParse(candidate).error?.issues ?? [];
  return issue && `${issue.path.join('.')}: ${issue.message}`;
}
