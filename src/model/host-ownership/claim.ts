import { memoize } from '../../lib/memo.ts';
import type { Host } from '../hosts/host.ts';
import type { RoutedService } from '../parse-service.ts';
import type { Problem } from '../problem.ts';
import type { ProblemText } from '../problem-kind.ts';
import { labelName, routeName } from '../route.ts';

/** One host of a service, or the default backend. */
export interface Claim {
  readonly service: RoutedService;
  readonly host: Host | undefined;
  /** `stack shop`, or `service web` outside stacks: the owner of the host. */
  readonly owner: string;
}

export const claimsOf = memoize((service: RoutedService): Claim[] => {
  const { hosts, isDefault } = service.route;
  const owner = ownerOf(service);
  return [...hosts, ...(isDefault ? [undefined] : [])].map((host) => ({ service, host, owner }));
});

function ownerOf({ stack, route }: RoutedService): string {
  return stack === '' ? `service ${route.service.name}` : `stack ${stack}`;
}

export function nameOf(owner: string): string {
  return owner.slice(owner.indexOf(' ') + 1);
}

export function problemOf({ service: { route }, host }: Claim, what: ProblemText): Problem {
  const { name: service } = route.service;
  const label = labelName(host === undefined ? 'default_backend' : 'hosts', route.labels);
  return { ...what, service, label, affects: [{ service, label, routes: [routeName(host, route.path)] }] };
}

export interface Refusal extends Pick<Problem, 'reason' | 'remedy'> {
  readonly claim: Claim;
}

/** `free` is decided by the mode. */
export type Verdict = 'free' | 'listed' | Omit<Refusal, 'claim'>;
