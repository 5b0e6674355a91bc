import type { ProblemText } from '../problem-kind.ts';
import { overBudget, type Refusal } from './budget.ts';
import type { StoredCertificate } from './certificates.ts';
import { renewalTime } from './renewal.ts';
import { type AcmeState, DAY_MS, type DueOrder, type Failure, MINUTE_MS, type RenewalRequest } from './state.ts';
import type { WantedCertificate } from './wanted.ts';

export interface PlanInput {
  readonly wanted: readonly WantedCertificate[];
  /** The newest first. */
  readonly certificates: readonly StoredCertificate[];
  readonly state: AcmeState;
  readonly now: number;
}

/** What one wanted certificate is like. */
export interface CertificateStatus {
  readonly name: string;
  readonly issuer: string;
  readonly hosts: readonly string[];
  readonly services: readonly string[];
  /** The certificate that serves; undefined before the first. */
  readonly current: StoredCertificate | undefined;
  /** When a renewal is due; 0 before the first certificate, and if a user asks for it. */
  readonly dueAt: number;
  /** When it is ordered or renewed next, in milliseconds since the epoch. */
  readonly nextAt: number;
  readonly isOrdering: boolean;
  /** A user asked to renew it now. */
  readonly isRequested: boolean;
  /** Why the next order waits. */
  readonly refusal: Refusal | undefined;
  readonly failure: Failure | undefined;
}

/** With what DNS says about its name. */
export interface NotedCertificate extends CertificateStatus {
  readonly notes: readonly ProblemText[];
}

export interface AcmePlan {
  /** Orders that may begin now, the most urgent first. */
  readonly orders: readonly DueOrder[];
  /** Certificates whose renewal window is to be read from the CA. */
  readonly windows: readonly StoredCertificate[];
  /** Secrets that nobody needs. */
  readonly obsolete: readonly StoredCertificate[];
  readonly statuses: readonly CertificateStatus[];
  /** When the plan can change without a change of the swarm. */
  readonly nextAt: number;
}

/** Orders of all controllers at the same time. */
const MOST_ORDERS = 4;
/** A replaced certificate stays for versions that a roll-back returns to. */
const REPLACED_AFTER_MS = DAY_MS;
const EXPIRED_AFTER_MS = 7 * DAY_MS;
/** CAs say how often to ask; never more often than this. */
export const LEAST_WINDOW_AGE_MS = MINUTE_MS;

/** Decides what to do next. Pure: all controllers decide alike, and the state keeps them from doing it twice. */
export function planCertificates({ wanted, certificates, state, now }: PlanInput): AcmePlan {
  const currentOf = newestByKey(certificates);
  const statuses = wanted.map((each) => statusOf(each, currentOf.get(keyOf(each.issuer.name, each.name)), state, now));
  const orders = dueOrders(wanted, statuses, state, now);
  const windows = statuses.flatMap(({ current }) =>
    current && current.ari !== '' && (state.windows[current.secret]?.checkAfter ?? 0) <= now ? [current] : [],
  );
  const times = [
    ...statuses.map(({ nextAt }) => nextAt),
    ...Object.values(state.attempts).map(({ orderingUntil }) => orderingUntil ?? 0),
    ...Object.values(state.windows).map(({ checkAfter }) => checkAfter),
  ].filter((time) => time > now);
  return {
    orders,
    windows,
    obsolete: certificates.filter((stored) => isObsolete(stored, wanted, currentOf, now)),
    statuses,
    nextAt: Math.min(now + DAY_MS, ...times),
  };
}

const keyOf = (issuer: string, name: string) => `${issuer} ${name}`;

function newestByKey(certificates: readonly StoredCertificate[]): ReadonlyMap<string, StoredCertificate> {
  const oldestFirst = certificates.toReversed();
  return new Map(oldestFirst.flatMap((stored) => stored.names.map((name) => [keyOf(stored.issuer, name), stored])));
}

function statusOf(
  { name, issuer, hosts, services }: WantedCertificate,
  current: StoredCertificate | undefined,
  state: AcmeState,
  now: number,
): CertificateStatus {
  const attempts = state.attempts[name];
  const isRequested = isOpen(state.requests[name], issuer.name, current);
  const dueAt = current === undefined || isRequested ? 0 : renewalTime(current, state.windows[current.secret]);
  const isOrdering = (attempts?.orderingUntil ?? 0) > now;
  const order = { issuer: issuer.name, name, isRenewal: current !== undefined };
  const allowedAt = Math.max(dueAt, attempts?.orderingUntil ?? 0, waitOf(attempts, issuer.name));
  const refusal = allowedAt <= now ? overBudget(state, order, issuer, now) : undefined;
  return {
    name,
    issuer: issuer.name,
    hosts,
    services,
    current,
    dueAt,
    nextAt: Math.max(allowedAt, refusal?.until ?? 0),
    isOrdering,
    isRequested,
    refusal,
    failure: attempts?.issuer === issuer.name ? attempts.failure : undefined,
  };
}

/** A request names the secret to replace, so that the next certificate fulfills it, whoever has ordered that. */
function isOpen(request: RenewalRequest | undefined, issuer: string, current: StoredCertificate | undefined): boolean {
  return request !== undefined && request.issuer === issuer && request.secret === (current?.secret ?? '');
}

/** Another issuer may succeed where one has failed. */
function waitOf(attempts: AcmeState['attempts'][string] | undefined, issuer: string): number {
  return attempts?.issuer === issuer ? attempts.notBefore : 0;
}

/** First certificates before renewals, and those that end first. Each order counts before the next is judged. */
function dueOrders(
  wanted: readonly WantedCertificate[],
  statuses: readonly CertificateStatus[],
  state: AcmeState,
  now: number,
): DueOrder[] {
  const issuers = new Map(wanted.map(({ name, issuer }) => [name, issuer]));
  const running = Object.values(state.attempts).filter(({ orderingUntil = 0 }) => orderingUntil > now).length;
  const due = statuses
    .filter(({ nextAt, isOrdering }) => !isOrdering && nextAt <= now)
    .toSorted((a, b) => (a.current?.notAfter ?? 0) - (b.current?.notAfter ?? 0));
  const orders: DueOrder[] = [];
  let counted = state.orders;
  for (const { name, issuer, current } of due) {
    if (running + orders.length >= MOST_ORDERS) break;
    const order = { issuer, name, isRenewal: current !== undefined };
    if (overBudget({ ...state, orders: counted }, order, issuers.get(name)!, now) !== undefined) continue;
    counted = [...counted, { at: now, ...order }];
    orders.push(order);
  }
  return orders;
}

function isObsolete(
  stored: StoredCertificate,
  wanted: readonly WantedCertificate[],
  currentOf: ReadonlyMap<string, StoredCertificate>,
  now: number,
): boolean {
  if (stored.notAfter + EXPIRED_AFTER_MS < now) return true;
  return stored.names.every((name) => {
    const successor = wanted
      .filter((each) => each.name === name)
      .map(({ issuer }) => currentOf.get(keyOf(issuer.name, name)))
      .find((current) => current !== undefined);
    return successor !== undefined && successor !== stored && successor.notBefore + REPLACED_AFTER_MS < now;
  });
}
