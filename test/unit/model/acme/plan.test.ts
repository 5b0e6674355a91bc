import { describe, expect, it } from 'vitest';
import { ACCOUNT_ORDERS, registeredDomain } from '../../../../src/model/acme/budget.ts';
import type { StoredCertificate } from '../../../../src/model/acme/certificates.ts';
import type { Issuer } from '../../../../src/model/acme/issuers.ts';
import { type AcmePlan, planCertificates } from '../../../../src/model/acme/plan.ts';
import { certificateProblems } from '../../../../src/model/acme/problems.ts';
import { isUsableWindow, renewalTime } from '../../../../src/model/acme/renewal.ts';
import {
  type AcmeState,
  backoff,
  begun,
  DAY_MS,
  emptyState,
  failed,
  MINUTE_MS,
  succeeded,
  WEEK_MS,
  withWindow,
} from '../../../../src/model/acme/state.ts';
import type { WantedCertificate } from '../../../../src/model/acme/wanted.ts';
import { parseSettings } from '../../../../src/model/settings/settings.ts';

const now = Date.parse('2026-06-01T00:00:00Z');
const good = { Email: 'ops@example.org', AcceptTerms: true };

function anIssuer(more: object = {}, name = 'public'): Issuer {
  return parseSettings({ Acme: { [name]: { ...good, ...more } } }, '1.0.0').settings.issuers.get(name)!;
}

function want(name: string, issuer = anIssuer()): WantedCertificate {
  return { name, issuer, hosts: [name], services: ['app'] };
}

function stored(name: string, more: Partial<StoredCertificate> = {}): StoredCertificate {
  const notBefore = more.notBefore ?? now;
  const dates = { notBefore, notAfter: notBefore + 90 * DAY_MS };
  const secret = `signalbox.acme.${name}.${notBefore}`;
  return { id: secret, secret, issuer: 'public', names: [name], serial: '1', ari: '', profile: '', ...dates, ...more };
}

const plan = (
  wanted: readonly WantedCertificate[],
  certificates: readonly StoredCertificate[] = [],
  state: AcmeState = emptyState,
  at = now,
): AcmePlan => planCertificates({ wanted, certificates, state, now: at });
const names = ({ orders }: AcmePlan) => orders.map(({ name }) => name);
const unauthorized = { kind: 'unauthorized', reason: 'no', at: now } as const;

describe('orders', () => {
  it('are due for hosts without a certificate, and only for those', () => {
    const wanted = [want('a.example.org'), want('b.example.org')];
    expect(names(plan(wanted))).toEqual(['a.example.org', 'b.example.org']);
    expect(names(plan(wanted, [stored('a.example.org')]))).toEqual(['b.example.org']);
    expect(names(plan([], [stored('a.example.org')]))).toEqual([]);
  });

  it('are due again if another issuer is chosen', () => {
    const other = anIssuer({}, 'other');
    expect(plan([want('a.example.org', other)], [stored('a.example.org')]).orders).toEqual([
      { issuer: 'other', name: 'a.example.org', isRenewal: false },
    ]);
  });

  it('are not repeated while one is under way, and are abandoned after ten minutes', () => {
    const wanted = [want('a.example.org')];
    const [order] = plan(wanted).orders;
    const state = begun(emptyState, order!, now, 'one');
    expect(names(plan(wanted, [], state))).toEqual([]);
    expect(plan(wanted, [], state).nextAt).toBe(now + 10 * MINUTE_MS);
    expect(names(plan(wanted, [], state, now + 10 * MINUTE_MS))).toEqual(['a.example.org']);
  });

  it('are at most four at the same time, from all controllers', () => {
    const wanted = Array.from({ length: 20 }, (_, n) => want(`h${n}.example.org`));
    const first = plan(wanted);
    expect(first.orders).toHaveLength(4);
    const state = first.orders.reduce((before, order) => begun(before, order, now, 'one'), emptyState);
    expect(plan(wanted, [], state).orders).toEqual([]);
    expect(
      plan(wanted, [], succeeded(state, first.orders[0]!.name, now, stored('h0.example.org'))).orders,
    ).toHaveLength(1);
  });

  it('wait longer after each failure, at most a day, and as long as the CA says', () => {
    expect([1, 2, 3, 4, 5].map(backoff)).toEqual([1, 3, 9, 27, 81].map((minutes) => minutes * MINUTE_MS));
    expect(backoff(40)).toBe(DAY_MS);
    const wanted = [want('a.example.org')];
    const [order] = plan(wanted).orders;
    const once = failed(begun(emptyState, order!, now, 'one'), 'a.example.org', unauthorized);
    expect(names(plan(wanted, [], once, now + MINUTE_MS - 1))).toEqual([]);
    expect(names(plan(wanted, [], once, now + MINUTE_MS))).toEqual(['a.example.org']);
    const limited = { kind: 'rate-limited', reason: 'too many', at: now } as const;
    const later = failed(begun(emptyState, order!, now, 'one'), 'a.example.org', limited, now + DAY_MS);
    expect(plan(wanted, [], later).nextAt).toBe(now + DAY_MS);
  });

  it('are repeated for days if they fail: CAs count certificates by week, and failures by hour', () => {
    const wanted = [want('a.example.org')];
    const begunAt: number[] = [];
    let state = emptyState;
    for (let at = now; at < now + 3 * DAY_MS; at = plan(wanted, [], state, at).nextAt) {
      const [order] = plan(wanted, [], state, at).orders;
      if (order === undefined) continue;
      begunAt.push(at);
      state = failed(begun(state, order, at, 'one'), 'a.example.org', { ...unauthorized, at });
    }
    expect(begunAt.length).toBeGreaterThan(7);
    for (const at of begunAt)
      expect(begunAt.filter((other) => other > at - 60 * MINUTE_MS && other <= at).length).toBeLessThanOrEqual(4);
  });

  it('do not wait for a name that failed', () => {
    const state = failed(
      begun(emptyState, { issuer: 'public', name: 'a.example.org', isRenewal: false }, now, 'one'),
      'a.example.org',
      unauthorized,
    );
    expect(names(plan([want('a.example.org'), want('b.example.org')], [], state))).toEqual(['b.example.org']);
  });
});

describe('renewals', () => {
  it('begin with a third of the lifetime left, or half of a short one, spread over time', () => {
    const dated = (name: string, days: number) => ({ ...stored(name), notAfter: now + days * DAY_MS });
    for (const name of ['a.test', 'b.test', 'c.test']) {
      const long = (renewalTime(dated(name, 90), undefined) - now) / DAY_MS;
      expect(long).toBeGreaterThanOrEqual(55.5);
      expect(long).toBeLessThanOrEqual(60);
      const short = (renewalTime(dated(name, 6), undefined) - now) / DAY_MS;
      expect(short).toBeGreaterThanOrEqual(2.7);
      expect(short).toBeLessThanOrEqual(3);
    }
    const times = Array.from({ length: 50 }, (_, n) => renewalTime(dated(`h${n}.test`, 90), undefined));
    expect(new Set(times).size).toBe(50);
  });

  it('begin in the window that the CA suggests, also if it revokes a certificate early', () => {
    const certificate = stored('a.example.org', { ari: 'x.y' });
    const wanted = [want('a.example.org')];
    expect(plan(wanted, [certificate]).windows).toEqual([certificate]);
    const window = { start: now - DAY_MS, end: now - MINUTE_MS, checkAfter: now + DAY_MS };
    const state = withWindow(emptyState, certificate.secret, window);
    expect(plan(wanted, [certificate], state)).toMatchObject({
      orders: [{ name: 'a.example.org', isRenewal: true }],
      windows: [],
    });
  });

  it('follow each other at once if certificates live for minutes', () => {
    const wanted = [want('a.example.org')];
    const brief = { ...stored('a.example.org'), notAfter: now + 2 * MINUTE_MS };
    const [order] = plan(wanted).orders;
    const state = succeeded(begun(emptyState, order!, now, 'one'), 'a.example.org', now, brief);
    expect(plan(wanted, [brief], state).nextAt).toBeLessThanOrEqual(now + MINUTE_MS);
    expect(plan(wanted, [], state).nextAt).toBe(now + 12_000);
  });

  it.each([
    ['within the lifetime', true, DAY_MS, 2 * DAY_MS],
    ['that is over', true, -DAY_MS, MINUTE_MS],
    ['that ends before it begins', false, 2 * DAY_MS, DAY_MS],
    ['from before the certificate existed', false, -2 * DAY_MS, -DAY_MS],
    ['around a lifetime that is shorter', false, -DAY_MS, 100 * DAY_MS],
    ['after the lifetime', false, 100 * DAY_MS, 101 * DAY_MS],
  ])('use a window %s: %s', (_, isUsable, start, end) => {
    const window = { start: now + start, end: now + end };
    expect(isUsableWindow(window, stored('a.example.org'), now + 5 * MINUTE_MS)).toBe(isUsable);
  });

  it('stop for hosts that nobody wants', () => {
    expect(plan([], [stored('a.example.org', { ari: 'x.y' })], emptyState, now + 80 * DAY_MS)).toMatchObject({
      orders: [],
      windows: [],
    });
  });
});

describe('budgets', () => {
  it('limit first certificates below a registered domain, not renewals', () => {
    const issuer = anIssuer({ OrdersPerWeek: 2 });
    const past = ['x.example.org', 'y.example.org'].reduce(
      (state, name) =>
        succeeded(begun(state, { issuer: 'public', name, isRenewal: false }, now, 'one'), name, now, stored(name)),
      emptyState,
    );
    const wanted = ['a.example.org', 'a.example.com'].map((name) => want(name, issuer));
    const limited = plan(wanted, [], past);
    expect(names(limited)).toEqual(['a.example.com']);
    expect(certificateProblems(limited.statuses, now).find(({ severity }) => severity === 'error')?.remedy).toContain(
      '*.example.org',
    );
    expect(names(plan(wanted, [], past, now + WEEK_MS))).toContain('a.example.org');
    const old = stored('a.example.org', { notBefore: now - 80 * DAY_MS });
    expect(names(plan(wanted, [old], past))).toContain('a.example.org');
  });

  it.each([
    ['a.b.example.org', 'example.org'],
    ['*.example.org', 'example.org'],
    ['a.example.co.uk', 'example.co.uk'],
    ['a.b.xy.de', 'xy.de'],
  ])('belong to the registered domain: %s', (name, domain) => {
    expect(registeredDomain(name)).toBe(domain);
  });
});

describe('certificates that nobody needs', () => {
  it('are removed a day after they were replaced, or a week after they expired', () => {
    const old = stored('a.example.org', { notBefore: now - 60 * DAY_MS });
    const current = stored('a.example.org');
    const wanted = [want('a.example.org')];
    expect(plan(wanted, [current, old]).obsolete).toEqual([]);
    expect(plan(wanted, [current, old], emptyState, now + DAY_MS + 1).obsolete).toEqual([old]);
    expect(plan([], [current], emptyState, now + 96 * DAY_MS).obsolete).toEqual([]);
    expect(plan([], [current], emptyState, now + 98 * DAY_MS).obsolete).toEqual([current]);
  });
});

describe('problems', () => {
  it('say what happens, to the owners of the host', () => {
    const wanted = [want('a.example.org')];
    const [pending] = certificateProblems(plan(wanted).statuses, now);
    expect(pending).toMatchObject({ severity: 'notice', service: 'app', label: 'com.docker.lb.acme' });
    const [order] = plan(wanted).orders;
    const state = failed(begun(emptyState, order!, now, 'one'), 'a.example.org', unauthorized);
    expect(certificateProblems(plan(wanted, [], state).statuses, now)).toMatchObject([
      { severity: 'error', reason: 'a.example.org has no certificate: no' },
    ]);
    const current = stored('a.example.org');
    expect(certificateProblems(plan(wanted, [current], state).statuses, now)).toMatchObject([{ severity: 'warning' }]);
    const late = now + 88 * DAY_MS;
    expect(certificateProblems(plan(wanted, [current], state, late).statuses, late)).toMatchObject([
      { severity: 'error' },
    ]);
  });
});

interface Begun {
  readonly at: number;
  readonly name: string;
  readonly isRenewal: boolean;
  readonly hasFailed: boolean;
}

/** A year with controllers that crash, CAs that fail, and hosts that come and go. Returns all orders. */
function simulateYear(seed: number, limit: number): readonly Begun[] {
  const random = randomOf(seed);
  const issuer = anIssuer({ OrdersPerWeek: limit });
  const all = Array.from({ length: 30 }, (_, n) => want(`h${n}.d${n % 3}.test`, issuer));
  const orders: Begun[] = [];
  const abandonedUntil = new Map<string, number>();
  let state = emptyState;
  let certificates: StoredCertificate[] = [];
  const begin = (order: AcmePlan['orders'][number], at: number) => {
    expect(abandonedUntil.get(order.name) ?? 0, 'one order of a name at a time').toBeLessThanOrEqual(at);
    state = begun(state, order, at, 'one');
    const outcome = random();
    orders.push({ at, ...order, hasFailed: outcome >= 0.1 && outcome < 0.3 });
    if (outcome < 0.1) abandonedUntil.set(order.name, at + 10 * MINUTE_MS);
    else if (outcome < 0.3) state = failed(state, order.name, { ...unauthorized, at });
    else {
      const certificate = stored(order.name, { notBefore: at });
      state = succeeded(state, order.name, at, certificate);
      certificates = [certificate, ...certificates];
    }
  };
  for (let at = now; at < now + 365 * DAY_MS; ) {
    const wanted = all.filter(() => random() < 0.9);
    const planned = plan(wanted, certificates, state, at);
    for (const order of planned.orders) begin(order, at);
    certificates = certificates.filter((each) => !planned.obsolete.includes(each));
    at += 1 + Math.floor(random() * (planned.orders.length > 0 ? MINUTE_MS : 12 * 3_600_000));
  }
  return orders;
}

describe('a simulated year', () => {
  it.each([1, 2, 3, 4, 5])('orders nothing twice and stays within the budgets (seed %i)', (seed) => {
    const limit = 5;
    const orders = simulateYear(seed, limit);
    expect(orders.filter(({ isRenewal }) => isRenewal).length).toBeGreaterThan(100);
    for (const { at } of orders) {
      const within = orders.filter((other) => other.at > at - WEEK_MS && other.at <= at);
      const issued = within.filter(({ hasFailed }) => !hasFailed);
      const first = issued.filter(({ isRenewal }) => !isRenewal);
      for (const own of Map.groupBy(first, ({ name }) => registeredDomain(name)).values())
        expect(own.length).toBeLessThanOrEqual(limit);
      for (const own of Map.groupBy(issued, ({ name }) => name).values()) expect(own.length).toBeLessThanOrEqual(4);
      const failures = within.filter((other) => other.hasFailed && other.at > at - 3_600_000);
      for (const own of Map.groupBy(failures, ({ name }) => name).values()) expect(own.length).toBeLessThanOrEqual(4);
      const recent = within.filter((other) => other.at > at - 3 * 3_600_000);
      expect(recent.length).toBeLessThanOrEqual(ACCOUNT_ORDERS);
    }
  });
});

/** A small generator with a seed: failures can be repeated. */
function randomOf(seed: number): () => number {
  let value = seed;
  return () => {
    value = (value * 1_664_525 + 1_013_904_223) % 2 ** 32;
    return value / 2 ** 32;
  };
}
