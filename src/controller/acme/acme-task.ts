import { isDeepStrictEqual } from 'node:util';
import { sameItems } from '../../lib/memo.ts';
import { type StoredCertificate, storedCertificates } from '../../model/acme/certificates.ts';
import { isInternal, issuerNamed } from '../../model/acme/internal.ts';
import {
  type AcmePlan,
  type CertificateStatus,
  type NotedCertificate,
  planCertificates,
} from '../../model/acme/plan.ts';
import { certificateProblems } from '../../model/acme/problems.ts';
import { type RequestResult, requestRenewal } from '../../model/acme/renew-now.ts';
import { type AcmeState, MINUTE_MS, pruned, succeeded } from '../../model/acme/state.ts';
import { type WantedCertificate, wantedCertificates } from '../../model/acme/wanted.ts';
import { acmeService } from '../../model/names.ts';
import type { Problem } from '../../model/problem.ts';
import { problemKind } from '../../model/problem-kind.ts';
import type { Swarm } from '../ports.ts';
import type { StatusBoard } from '../reconcile/status.ts';
import { LiveHosts } from './live-hosts.ts';
import type { OrderParts } from './orders.ts';
import { Outlooks } from './outlooks.ts';
import { OwnOrders } from './own-orders.ts';
import { readWindows } from './renewal-windows.ts';
import { type SetupParts, setUp } from './setup.ts';

export interface AcmeTaskOptions extends OrderParts, SetupParts {
  readonly swarm: Pick<Swarm, 'createSecret' | 'removeSecret'>;
  readonly status: Pick<StatusBoard, 'current' | 'subscribe'>;
  /** Called when problems have changed. */
  readonly onChange: () => void;
}

/** When an order begins that a user asked for, or why none does. */
export type RenewalAnswer =
  | { readonly kind: 'accepted'; readonly at: number }
  | { readonly kind: 'refused'; readonly reason: string };

/** While something is under way that no event reports, such as the start of the service. */
const SOON_MS = 1000;
/** After an error of the Engine or of the service. */
const LATER_MS = 15_000;
/** Requests for renewal information at the same time. */
const MOST_REQUESTS = 4;

/** A service starts within this time, if its node has the image. */
const DOWN_AFTER_MS = MINUTE_MS;

export const acmeDown = problemKind({
  id: 'acme-service-down',
  severity: 'error',
  meaning: `The service that orders certificates does not answer. Current certificates serve until they expire.`,
  reason: () => `service ${acmeService} does not answer, so no certificates are ordered`,
  remedy: `See why: docker service ps --no-trunc ${acmeService}`,
  example: [],
});

const serviceDown: Problem = acmeDown();

/** Orders and renews certificates, beside the control loop. */
export class AcmeTask {
  readonly #options: AcmeTaskOptions;
  readonly #live = new LiveHosts();
  readonly #outlooks: Outlooks;
  readonly #orders: OwnOrders;
  #downSince: number | undefined;
  #rest: { readonly seen: readonly unknown[]; readonly until: number } | undefined;
  #statuses: readonly NotedCertificate[] = [];
  #problems: readonly Problem[] = [];
  #trouble: string | undefined;
  #wake: (() => void) | undefined;
  #isWoken = false;

  constructor(options: AcmeTaskOptions) {
    this.#options = options;
    this.#outlooks = new Outlooks(options, () => this.#again());
    this.#orders = new OwnOrders({ ...options, onEnd: () => this.#signal() });
  }

  get certificates(): readonly NotedCertificate[] {
    return this.#statuses;
  }

  /** Orders that have ended here. */
  get orders() {
    return this.#orders.counts;
  }

  get problems(): readonly Problem[] {
    return this.#problems;
  }

  /** A user asks for a certificate before it is due. All controllers see the request, and one of them orders. Undefined if none is ordered for the name. */
  async renew(name: string): Promise<RenewalAnswer | undefined> {
    const { book, issuers, now } = this.#options;
    const status = this.#statuses.find((each) => each.name === name);
    const issuer = status && issuerNamed(status.issuer, issuers);
    if (issuer === undefined) return undefined;
    const at = now();
    let result: RequestResult | undefined;
    const state = await book.update((latest) => {
      if (latest.requests[name]?.at === at) return latest;
      result = requestRenewal(status!, issuer, latest, at);
      return result.kind === 'requested' ? result.state : latest;
    });
    if (result?.kind === 'refused') return result;
    this.#again();
    const notBefore = state.attempts[name]?.notBefore ?? 0;
    return { kind: 'accepted', at: Math.max(now(), notBefore) };
  }

  /** Resolves when the signal aborts. Orders under way are abandoned; the state keeps them. */
  async run(signal: AbortSignal): Promise<void> {
    const { status, issuers } = this.#options;
    if (issuers.size === 0) await this.#retire();
    const unsubscribe = status.subscribe(() => this.#signal());
    signal.addEventListener('abort', () => this.#signal(), { once: true });
    while (!signal.aborted) {
      this.#isWoken = false;
      const delay = this.#restMs() ?? (await this.#attempt(signal));
      await this.#sleep(delay);
    }
    unsubscribe();
  }

  /** One step. Resolves to the time until the next one without an event, in milliseconds. */
  async step(signal: AbortSignal): Promise<number> {
    const { status, issuers, client, now } = this.#options;
    const seen = status.current;
    if (seen === undefined) return LATER_MS;
    const routes = seen.desired.clusters.flatMap(({ routes }) => routes);
    const wanted = wantedCertificates(routes, issuers);
    if (wanted.length === 0) {
      this.#publish([]);
      return LATER_MS;
    }
    const used = new Set(wanted.flatMap(({ issuer }) => (isInternal(issuer) ? [] : issuer.name)));
    const isReady =
      used.size === 0 || ((await setUp(used, seen.snapshot, this.#options)) && (await client.isUp(signal)));
    const certificates = storedCertificates(seen.snapshot.secrets);
    const plan = await this.#plan(wanted, certificates);
    this.#downSince = isReady ? undefined : (this.#downSince ?? now());
    this.#publish(plan.statuses.map((each) => ({ ...each, notes: this.#outlooks.notesOf(each, seen) })));
    const live = wantedCertificates(this.#live.read(seen), issuers);
    // The internal CA needs no service.
    const orderable = isReady ? live : live.filter(({ issuer }) => isInternal(issuer));
    await this.#orders.begin(
      (state) => planCertificates({ wanted: orderable, certificates, state, now: now() }).orders,
      (state) => this.#pruned(state, certificates),
      signal,
    );
    if (!isReady) return SOON_MS;
    this.#outlooks.refresh(plan.statuses, signal);
    await readWindows(plan.windows.slice(0, MOST_REQUESTS), this.#options, signal);
    await this.#removeObsolete(plan.obsolete);
    const isWaiting = plan.orders.length > 0 || plan.windows.length > MOST_REQUESTS;
    return isWaiting ? SOON_MS : Math.max(SOON_MS, plan.nextAt - now());
  }

  /** For tests: orders that have begun here. */
  async settled(): Promise<void> {
    await Promise.all([this.#orders.settled(), this.#outlooks.settled()]);
  }

  /** The settings have no issuers, or no longer. */
  async #retire(): Promise<void> {
    const { services, logger } = this.#options;
    await services.remove().catch((error: Error) => logger.error({ err: error }, 'Service for orders not removed'));
  }

  /** How long nothing is due, if the swarm is as in the last step: passes over an idle swarm cost no requests. */
  #restMs(): number | undefined {
    if (this.#rest === undefined || !sameItems(this.#rest.seen, this.#seen())) return undefined;
    const left = this.#rest.until - this.#options.now();
    return left > 0 ? left : undefined;
  }

  /** What a step depends on. The loop keeps objects that have not changed. */
  #seen(): readonly unknown[] {
    const { desired, snapshot, outcomes = [] } = this.#options.status.current ?? {};
    const served = outcomes.flatMap(({ version, served, rolling }) => [version, served, rolling]);
    return [desired, snapshot?.secrets, snapshot?.configs, snapshot?.nodes, snapshot?.networks, ...served];
  }

  async #attempt(signal: AbortSignal): Promise<number> {
    const { now } = this.#options;
    const seen = this.#seen();
    this.#rest = undefined;
    try {
      const delay = await this.step(signal);
      this.#rest = this.#orders.isRunning ? undefined : { seen, until: now() + delay };
      this.#trouble = undefined;
      return delay;
    } catch (error) {
      const { message } = error as Error;
      if (!signal.aborted && this.#trouble !== message)
        this.#options.logger.error({ reason: message }, 'Certificates not managed');
      this.#trouble = message;
      return LATER_MS;
    }
  }

  /** Also forgets failures of orders whose certificates exist. */
  async #plan(wanted: readonly WantedCertificate[], certificates: readonly StoredCertificate[]): Promise<AcmePlan> {
    const { book, now } = this.#options;
    const planned = (state: AcmeState) => planCertificates({ wanted, certificates, state, now: now() });
    const state = await book.read();
    const plan = planned(state);
    const done = plan.statuses.flatMap((status) => this.#done(status, state) ?? []);
    if (done.length === 0) return plan;
    return planned(
      await book.update((latest) => {
        const closed = done.reduce((before, { name, current }) => succeeded(before, name, now(), current), latest);
        return this.#pruned(closed, certificates);
      }),
    );
  }

  /** Without what is no longer wanted: the state must fit into a Docker config. */
  #pruned(state: AcmeState, certificates: readonly StoredCertificate[]): AcmeState {
    const names = new Set(this.#statuses.map(({ name }) => name));
    return pruned(state, names, new Set(certificates.map(({ secret }) => secret)), this.#options.now());
  }

  #done({ name, current, dueAt, isOrdering }: CertificateStatus, { attempts }: AcmeState) {
    const { failure, orderingUntil } = attempts[name] ?? {};
    const isOpen = failure !== undefined || orderingUntil !== undefined;
    const isDone = isOpen && current !== undefined && dueAt > this.#options.now() && !isOrdering;
    return isDone ? { name, current } : undefined;
  }

  /** Swarm keeps secrets that a service uses. */
  async #removeObsolete(certificates: readonly StoredCertificate[]): Promise<void> {
    const { swarm, logger } = this.#options;
    for (const { id, secret } of certificates) {
      const isRemoved = await swarm.removeSecret(id).then(
        () => true,
        () => false,
      );
      if (isRemoved) logger.info({ secret }, 'Removed certificate');
    }
  }

  #publish(statuses: readonly NotedCertificate[]): void {
    const now = this.#options.now();
    const isDown = statuses.length > 0 && this.#downSince !== undefined && now - this.#downSince > DOWN_AFTER_MS;
    const problems = [...certificateProblems(statuses, now), ...(isDown ? [serviceDown] : [])];
    const isChanged = !isDeepStrictEqual(problems, this.#problems);
    this.#statuses = statuses;
    this.#problems = problems;
    if (isChanged) this.#options.onChange();
  }

  /** The next step does not wait for a change of the swarm. */
  #again(): void {
    this.#rest = undefined;
    this.#signal();
  }

  #signal(): void {
    this.#isWoken = true;
    this.#wake?.();
  }

  async #sleep(ms: number): Promise<void> {
    if (this.#isWoken) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    const timer = setTimeout(resolve, Math.min(ms, 60 * MINUTE_MS));
    await promise;
    clearTimeout(timer);
    this.#wake = undefined;
  }
}
