import { z } from 'zod';
import type { StoredCertificate } from './certificates.ts';

/**
 * What controllers remember of orders, in a Docker config. It is written before an order begins, so that two
 * controllers never order the same certificate, and a restart repeats nothing.
 */
const time = z.number().int().nonnegative();

const failureSchema = z.object({
  kind: z.enum(['rate-limited', 'unauthorized', 'dns', 'caa', 'unreachable', 'account', 'other']),
  /** The CA's sentence, or ours. */
  reason: z.string().max(1000),
  at: time,
});

const attemptsSchema = z.object({
  issuer: z.string(),
  /** An order that was begun and has not ended. After this time it is abandoned. */
  orderingUntil: time.optional(),
  /** The controller that has begun it. Absent in the state of older controllers. */
  by: z.string().optional(),
  /** Failures in a row. */
  failures: z.number().int().nonnegative(),
  failure: failureSchema.optional(),
  /** No order before. */
  notBefore: time,
});

const orderSchema = z.object({
  at: time,
  issuer: z.string(),
  name: z.string(),
  /** Replaces a certificate for the same name, which CAs do not count. */
  isRenewal: z.boolean(),
  /** No certificate was issued, so CAs count it as a failure only. */
  hasFailed: z.boolean().optional(),
});

/** A user wants a certificate to be replaced before it is due. */
const requestSchema = z.object({
  issuer: z.string(),
  /** Name of the secret to replace; '' for the first certificate. With another one, the request is fulfilled. */
  secret: z.string(),
  at: time,
});

/** Without start and end, the CA has none. */
const windowSchema = z.object({ start: time.optional(), end: time.optional(), checkAfter: time });

export const acmeStateSchema = z.object({
  /** By certified name. */
  attempts: z.record(z.string(), attemptsSchema),
  /** Begun in the last seven days, oldest first. */
  orders: z.array(orderSchema),
  /** When the CA wants certificates to be renewed (RFC 9773), by name of the secret. */
  windows: z.record(z.string(), windowSchema),
  /** By certified name. Absent in the state of older controllers. */
  requests: z.record(z.string(), requestSchema).default({}),
});

export type Failure = z.infer<typeof failureSchema>;
export type FailureKind = Failure['kind'];
export type Attempts = z.infer<typeof attemptsSchema>;
export type Order = z.infer<typeof orderSchema>;
export type RenewalWindow = z.infer<typeof windowSchema>;
export type RenewalRequest = z.infer<typeof requestSchema>;
export type AcmeState = z.infer<typeof acmeStateSchema>;

export const emptyState: AcmeState = { attempts: {}, orders: [], windows: {}, requests: {} };

export const MINUTE_MS = 60_000;
export const DAY_MS = 24 * 3_600_000;
export const WEEK_MS = 7 * DAY_MS;
/** Longer than an order can take. */
export const ORDER_TIMEOUT_MS = 10 * MINUTE_MS;
/** CAs allow five failures an hour for a name: after 0, 1, 4, 13 and 40 minutes. */
const BACKOFF_FACTOR = 3;

/** An order that may begin. */
export interface DueOrder {
  readonly issuer: string;
  readonly name: string;
  readonly isRenewal: boolean;
}

/** Reserves an order for a controller: nobody else begins it, and it counts from now on. */
export function begun(state: AcmeState, { issuer, name, isRenewal }: DueOrder, now: number, by: string): AcmeState {
  const before = state.attempts[name];
  const attempts = {
    failures: before?.failures ?? 0,
    ...(before?.failure ? { failure: before.failure } : {}),
    issuer,
    notBefore: now,
    orderingUntil: now + ORDER_TIMEOUT_MS,
    by,
  };
  const orders = [...state.orders.filter(({ at }) => at > now - WEEK_MS), { at: now, issuer, name, isRenewal }];
  return { ...state, orders, attempts: { ...state.attempts, [name]: attempts } };
}

/** Orders that a controller has begun and that have not ended. */
export function begunBy(controller: string, { attempts, orders }: AcmeState, now: number): DueOrder[] {
  const open = Object.entries(attempts).filter(
    ([, { by, orderingUntil = 0 }]) => by === controller && orderingUntil > now,
  );
  return open.map(([name, { issuer }]) => {
    const order = orders.findLast((each) => each.name === name && each.issuer === issuer);
    return { issuer, name, isRenewal: order?.isRenewal === true };
  });
}

/** No controller orders again before it must have seen the new certificate. */
const SETTLING_MS = 5 * MINUTE_MS;
/** Some private CAs issue certificates for minutes. */
const SETTLING_SHARE = 0.1;

/** Also for an order whose controller ended after it had stored the certificate. */
export function succeeded(
  state: AcmeState,
  name: string,
  now: number,
  { notBefore, notAfter }: Pick<StoredCertificate, 'notBefore' | 'notAfter'>,
): AcmeState {
  const { issuer = '' } = state.attempts[name] ?? {};
  const settling = Math.min(SETTLING_MS, Math.max(0, SETTLING_SHARE * (notAfter - notBefore)));
  const settled = { issuer, failures: 0, notBefore: Math.round(now + settling) };
  const { [name]: _, ...requests } = state.requests;
  return { ...state, requests, attempts: { ...state.attempts, [name]: settled } };
}

/** Changes nothing if the failure is recorded already. `retryAt`: when the CA allows the next order, if it said so. */
export function failed(state: AcmeState, name: string, failure: Failure, retryAt = 0): AcmeState {
  const before = state.attempts[name];
  if (before?.orderingUntil === undefined) return state;
  const { orderingUntil: _until, by: _by, ...kept } = before;
  const failures = before.failures + 1;
  const notBefore = Math.max(failure.at + backoff(failures), Math.min(retryAt, failure.at + WEEK_MS));
  const last = state.orders.findLastIndex((order) => order.name === name && order.issuer === before.issuer);
  const orders = state.orders.map((order, position) => (position === last ? { ...order, hasFailed: true } : order));
  return { ...state, orders, attempts: { ...state.attempts, [name]: { ...kept, failures, failure, notBefore } } };
}

/** Asks for an order before it is due. The back-off after a failure ends, except if the CA itself says when to return. */
export function requested(state: AcmeState, name: string, request: RenewalRequest): AcmeState {
  const { [name]: before, ...others } = state.attempts;
  const requests = { ...state.requests, [name]: request };
  const isBackoff = before?.failure !== undefined && before.failure.kind !== 'rate-limited';
  if (!isBackoff || before.notBefore <= request.at) return { ...state, requests };
  return { ...state, requests, attempts: { ...others, [name]: { ...before, notBefore: request.at } } };
}

/** From one minute to one day. */
export function backoff(failures: number): number {
  return Math.min(DAY_MS, MINUTE_MS * BACKOFF_FACTOR ** Math.max(0, failures - 1));
}

export function withWindow(state: AcmeState, secret: string, window: RenewalWindow): AcmeState {
  return { ...state, windows: { ...state.windows, [secret]: window } };
}

/** Without names that nobody wants, and windows of certificates that are gone. */
export function pruned(
  state: AcmeState,
  names: ReadonlySet<string>,
  secrets: ReadonlySet<string>,
  now: number,
): AcmeState {
  const isOpen = ({ orderingUntil = 0, notBefore }: Attempts) => Math.max(orderingUntil, notBefore) > now;
  const hasFailed = ({ failures }: Attempts) => failures > 0;
  return {
    attempts: keep(state.attempts, (name, attempts) => isOpen(attempts) || (names.has(name) && hasFailed(attempts))),
    orders: state.orders.filter(({ at }) => at > now - WEEK_MS),
    windows: keep(state.windows, (secret) => secrets.has(secret)),
    requests: keep(state.requests, (name, { secret }) => names.has(name) && (secret === '' || secrets.has(secret))),
  };
}

function keep<T>(record: Readonly<Record<string, T>>, isKept: (key: string, value: T) => boolean): Record<string, T> {
  return Object.fromEntries(Object.entries(record).filter(([key, value]) => isKept(key, value)));
}
