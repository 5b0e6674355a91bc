import { digest } from '../../lib/digest.ts';
import { label } from '../labels/label.ts';
import { ineffectiveLabel } from '../labels/label-problems.ts';
import { type FoundService, foundServiceMessage, serviceAddress } from '../service-address.ts';
import { toUpstream, type Upstream } from '../upstream.ts';
import { feature } from './feature.ts';

const fallbackLabel = label({
  name: 'fallback',
  policy: 'optional',
  type: 'service, with `:<port>` unless it is 80',
  default: '',
  example: 'waker:8080',
  description:
    'Another service answers if this one has no tasks, or no task accepts the connection. It receives the path unchanged, with `X-Forwarded-Host`, over HTTP. Answers of the application never lead to it, nor do requests that an application has received, or whose body is streamed. Protective labels of the service apply. The name is that of a service on the same network, with or without the prefix of the stack, or of one that publishes this port to everybody.',
  schema: serviceAddress,
});

/** Answers in place of the service. */
export const fallback = feature({
  labels: { fallback: fallbackLabel },
  read(reader, { isGrpc }): FoundService | undefined {
    const address = reader.read(fallbackLabel);
    if (address === undefined || !isGrpc) return address && { ...address, peers: [] };
    reader.note(fallbackLabel, ineffectiveLabel('has no effect for gRPC', 'Remove it.'));
    return undefined;
  },
  message: foundServiceMessage,
  conflict: 'fallback',
  stage: 'service',
  explain: ({ name, port, peers }) => ({
    fallback:
      peers.length === 0
        ? `No fallback answers: the proxies cannot reach ${name}.`
        : `${name}:${port} answers if the service has no tasks, or no task accepts the connection.`,
  }),
  bytes: () => 200,
  zoneKb: ({ peers }) => (peers.length === 0 ? 0 : 52),
  peers: ({ peers }) => peers,
});

export function fallbackUpstream({ peers }: FoundService): Upstream | undefined {
  return toUpstream(peers, { kind: 'none' });
}

/** The variable with the upstream, for requests that no task of the service has received. */
export function fallbackVariable({ name }: Upstream): string {
  return `fallback_${digest(name)}`;
}
