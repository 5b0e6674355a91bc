import { z } from 'zod';
import { HRM_NETWORK, hasHrmLabels } from '../labels/hrm-labels.ts';
import { label } from '../labels/label.ts';
import { ineffectiveLabel } from '../labels/label-problems.ts';
import type { LabelReader } from '../labels/label-reader.ts';
import type { ServiceContext } from '../parse-service.ts';
import type { SwarmNetwork, SwarmService } from '../snapshot.ts';
import { byName } from './by-name.ts';

/** Slightly more permissive than Swarm's grammar for names of networks, secrets and clusters. */
const objectName = z
  .string()
  .trim()
  .regex(/^[a-zA-Z0-9][a-zA-Z0-9_. -]{0,127}$/, 'is not a name');

export const networkLabels = {
  network: label({
    name: 'network',
    policy: 'required',
    type: 'name of a network',
    default: "the service's only network",
    example: 'demo_demo-network',
    description:
      'Overlay network through which the proxies reach the tasks. Required if the service has several networks. In a stack, the stack prefix is optional.',
    schema: objectName,
  }),
} as const;

/**
 * The right network or a clear problem, never an arbitrary network. Names are accepted with and without the prefix of the stack. With a single
 * network, an unknown name falls back to that one with a problem, as in Interlock.
 */
export function readNetwork(
  reader: LabelReader,
  service: SwarmService,
  { networks }: ServiceContext,
): SwarmNetwork | undefined {
  const attached = service.networkIds
    .flatMap((id) => networks.get(id) ?? [])
    .filter(({ driver, ingress }) => driver === 'overlay' && !ingress);
  const [only] = attached;
  const names = attached
    .map(({ name }) => name)
    .toSorted()
    .join(', ');
  if (!only) {
    reader.refuse(
      networkLabels.network,
      'has no network: the service is not attached to an overlay network',
      'Attach the service to an overlay network.',
    );
    return undefined;
  }
  const wanted = reader.read(networkLabels.network);
  if (wanted === undefined) {
    if (attached.length === 1) return only;
    const mesh = hasHrmLabels(service.labels) && !reader.has('network') ? meshNetwork(attached) : undefined;
    if (mesh !== undefined) return mesh;
    if (!reader.has('network'))
      reader.refuse(
        networkLabels.network,
        'is missing, and the service has several networks',
        `Name one of: ${names}.`,
      );
    return undefined;
  }
  const stack = service.labels['com.docker.stack.namespace'];
  const accepted = [wanted, `${stack}_${wanted}`];
  const found = byName(attached, accepted);
  if (found) return found;
  const similar = byName(attached, accepted, { ignoreCase: true });
  if (similar) {
    reader.note(
      networkLabels.network,
      ineffectiveLabel(
        `differs in upper and lower case from the network ${similar.name}, which is used`,
        `Name it ${similar.name}.`,
      ),
    );
    return similar;
  }
  if (attached.length > 1) {
    reader.refuse(networkLabels.network, 'is not a network of the service', `Name one of: ${names}.`);
    return undefined;
  }
  reader.note(
    networkLabels.network,
    ineffectiveLabel(
      `is not a network of the service; its only network, ${only.name}, is used`,
      `Set it to ${only.name}, or remove the label.`,
    ),
  );
  return only;
}

/** The HTTP Routing Mesh reached services over its own network or over others labeled for it. */
function meshNetwork(attached: readonly SwarmNetwork[]): SwarmNetwork | undefined {
  const labeled = attached.filter(({ isMesh }) => isMesh);
  const own = (labeled.length > 0 ? labeled : attached).find(({ name }) => name === HRM_NETWORK);
  return own ?? (labeled.length === 1 ? labeled[0] : undefined);
}
