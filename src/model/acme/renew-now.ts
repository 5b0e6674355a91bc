import { overBudget } from './budget.ts';
import type { Issuer } from './issuers.ts';
import type { CertificateStatus } from './plan.ts';
import { type AcmeState, requested } from './state.ts';

/** The state with the request, or why nothing can be ordered now. */
export type RequestResult =
  | { readonly kind: 'requested'; readonly state: AcmeState }
  | { readonly kind: 'refused'; readonly reason: string };

/**
 * A user asks for a certificate before it is due. That ends the back-off after failures, but neither the CA's own wait nor a budget: more orders
 * than the CA allows would lock the host out for days.
 */
export function requestRenewal(
  { name, isOrdering, current }: Pick<CertificateStatus, 'name' | 'isOrdering' | 'current'>,
  issuer: Issuer,
  state: AcmeState,
  now: number,
): RequestResult {
  const attempts = state.attempts[name];
  if (isOrdering || (attempts?.orderingUntil ?? 0) > now) return refused('an order is under way');
  if (attempts?.issuer === issuer.name && attempts.failure?.kind === 'rate-limited' && attempts.notBefore > now)
    return refused(`the CA accepts no order before ${timeOf(attempts.notBefore)}: ${attempts.failure.reason}`);
  const order = { issuer: issuer.name, name, isRenewal: current !== undefined };
  const refusal = overBudget(state, order, issuer, now);
  if (refusal !== undefined) return refused(`it ${refusal.reason}, possible from ${timeOf(refusal.until)}`);
  const request = { issuer: issuer.name, secret: current?.secret ?? '', at: now };
  return { kind: 'requested', state: requested(state, name, request) };
}

function refused(reason: string): RequestResult {
  return { kind: 'refused', reason };
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString();
}
