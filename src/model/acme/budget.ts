import { isInternal } from './internal.ts';
import type { Issuer } from './issuers.ts';
import { type AcmeState, type DueOrder, type Order, WEEK_MS } from './state.ts';

const HOUR_MS = 3_600_000;
/** Let's Encrypt allows 300 orders in three hours for an account. */
export const ACCOUNT_ORDERS = 250;
const ACCOUNT_PERIOD_MS = 3 * HOUR_MS;
/** Let's Encrypt allows five certificates for the same names in seven days. */
const SAME_NAME_ORDERS = 4;
/** Let's Encrypt allows five failures for a name in an hour. */
const FAILURES = 4;

export interface Refusal {
  /** When the order becomes possible. */
  readonly until: number;
  readonly reason: string;
  readonly remedy: string;
}

/** Why an order would exceed what a CA allows; undefined if it may begin. */
export function overBudget(state: AcmeState, order: DueOrder, issuer: Issuer, now: number): Refusal | undefined {
  if (isInternal(issuer)) return undefined;
  const own = state.orders.filter((other) => other.issuer === order.issuer);
  const issued = own.filter(({ hasFailed }) => hasFailed !== true);
  const domain = registeredDomain(order.name);
  const limits = [
    {
      orders: issued.filter(({ name }) => name === order.name),
      limit: SAME_NAME_ORDERS,
      periodMs: WEEK_MS,
      reason: `has been ordered ${SAME_NAME_ORDERS} times in seven days`,
      remedy: 'Find out why its certificates are not used.',
    },
    {
      orders: order.isRenewal
        ? []
        : issued.filter(({ name, isRenewal }) => !isRenewal && registeredDomain(name) === domain),
      limit: issuer.OrdersPerWeek,
      periodMs: WEEK_MS,
      reason: `waits: ${issuer.OrdersPerWeek} certificates below ${domain} were ordered in seven days`,
      remedy: `Use a wildcard: Acme.${issuer.name}.Wildcards = ["*.${domain}"]. Or raise OrdersPerWeek, if the CA allows more.`,
    },
    {
      orders: own.filter(({ name, hasFailed }) => hasFailed === true && name === order.name),
      limit: FAILURES,
      periodMs: HOUR_MS,
      reason: `waits: ${FAILURES} orders have failed within an hour`,
      remedy: 'Fix the cause first: the CA allows few failures.',
    },
    {
      orders: own,
      limit: ACCOUNT_ORDERS,
      periodMs: ACCOUNT_PERIOD_MS,
      reason: `waits: ${ACCOUNT_ORDERS} certificates were ordered in three hours`,
      remedy: 'Wait, or use wildcards.',
    },
  ];
  const exceeded = limits.flatMap(({ orders, limit, periodMs, reason, remedy }) => {
    const until = nearestTime(orders, limit, periodMs);
    return until > now ? [{ until, reason, remedy }] : [];
  });
  return exceeded.toSorted((a, b) => b.until - a.until)[0];
}

/** Second-level labels below which registries of countries sell domains. */
const SECOND_LEVELS = ['ac', 'co', 'com', 'edu', 'go', 'gob', 'gov', 'gv', 'ne', 'net', 'or', 'org'];

/** A guess without a list: where it merges domains, the budget is tighter than the CA's. */
export function registeredDomain(name: string): string {
  const labels = name.replace(/^\*\./, '').split('.');
  const [second = '', top = ''] = labels.slice(-2);
  const isBelowCountry = top.length === 2 && SECOND_LEVELS.includes(second);
  return labels.slice(isBelowCountry ? -3 : -2).join('.');
}

/** When another order fits into the limit; 0 if it fits at once. */
function nearestTime(orders: readonly Order[], limit: number, periodMs: number): number {
  const blocking = orders.toSorted((a, b) => b.at - a.at)[limit - 1];
  return blocking === undefined ? 0 : blocking.at + periodMs;
}
