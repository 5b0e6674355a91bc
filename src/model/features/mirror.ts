import { z } from 'zod';
import { digest } from '../../lib/digest.ts';
import { label, wholeNumber } from '../labels/label.ts';
import { ineffectiveLabel } from '../labels/label-problems.ts';
import { type FoundService, foundServiceMessage, serviceAddress } from '../service-address.ts';
import { toUpstream, type Upstream } from '../upstream.ts';
import { feature } from './feature.ts';

export interface Mirror extends FoundService {
  readonly percent: number;
}

const common = { policy: 'optional' } as const;
const mirrorLabel = label({
  ...common,
  name: 'mirror',
  type: 'service, with `:<port>` unless it is 80',
  default: '',
  example: 'shadow:8080',
  description:
    'Another service receives a copy of each request that this one receives, with its body, over HTTP. Its answer is dropped, and clients do not wait for it. Requests whose body is streamed are not copied. The name is that of a service on the same network, with or without the prefix of the stack, or of one that publishes this port to everybody.',
  schema: serviceAddress,
});
const percentLabel = label({
  ...common,
  name: 'mirror_percent',
  type: 'whole number up to 100',
  default: '100',
  example: '10',
  description: 'Percentage of the requests that are copied. If it is invalid, none are. Requires `mirror`.',
  schema: wholeNumber(0, 100),
});

/** Copies requests to another service. */
export const mirror = feature({
  labels: { mirror: mirrorLabel, mirror_percent: percentLabel },
  read(reader, { isGrpc }): Mirror | undefined {
    const address = reader.read(mirrorLabel);
    const percent = reader.read(percentLabel);
    if (percent !== undefined && !reader.has('mirror'))
      reader.note(percentLabel, ineffectiveLabel('has no effect without mirror', 'Set mirror, or remove the label.'));
    if (address !== undefined && isGrpc)
      reader.note(mirrorLabel, ineffectiveLabel('has no effect for gRPC', 'Remove the label.'));
    // Fewer copies may have been meant.
    const isUnclear = percent === undefined && reader.has('mirror_percent');
    if (address === undefined || isGrpc || isUnclear) return undefined;
    return { ...address, peers: [], percent: percent ?? 100 };
  },
  message: foundServiceMessage.extend({ percent: z.int().min(0).max(100) }),
  conflict: 'mirror',
  stage: 'service',
  explain: ({ name, port, peers, percent }) => ({
    mirror:
      peers.length === 0
        ? `Nothing is copied: the proxies cannot reach ${name}.`
        : `${name}:${port} receives a copy of the request; its answer is dropped.`,
    mirror_percent: percent === 100 ? undefined : `${percent} % of the requests are copied.`,
  }),
  bytes: () => 700,
  zoneKb: ({ peers }) => (peers.length === 0 ? 0 : 52),
  peers: ({ peers }) => peers,
});

/** Undefined if nothing is copied. */
export function mirrorUpstream({ peers, percent }: Mirror): Upstream | undefined {
  return percent === 0 ? undefined : toUpstream(peers, { kind: 'none' });
}

export function mirrorId({ name }: Upstream): string {
  return digest(name);
}
