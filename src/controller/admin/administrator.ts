import {
  type Actor,
  type Administration,
  type Change,
  type EndedSession,
  endSession,
  recordChange,
  recordFailedSignIns,
  seenRevision,
  takenPorts,
  untouched,
} from '../../model/access/administration.ts';
import type { ApiToken } from '../../model/access/api-tokens.ts';
import { expired, isPartOf, isTarget, type MaintenanceTarget } from '../../model/maintenance.ts';
import { clusterLabel, versionLabel } from '../../model/names.ts';
import { shownValue } from '../../model/problem.ts';
import type { Settings } from '../../model/settings/settings.ts';
import type { StoredObject, SwarmService } from '../../model/snapshot.ts';
import { type AdministrationStore, ConflictError } from '../ports.ts';
import type { Status } from '../reconcile/status.ts';
import {
  describeMaintenance,
  isKnownCluster,
  isRouted,
  isSame,
  isSameState,
  type MaintenanceTerms,
  newToken,
  type Ports,
  parseSaved,
  portsOf,
  toChange,
  type WantedToken,
  withMaintenance,
  without,
  withoutEnded,
  withToken,
} from './decisions.ts';
import { Refusal } from './problem-details.ts';

export interface AdministratorOptions {
  readonly store: AdministrationStore;
  readonly settings: Settings;
  /** The current applications: the last snapshot may be too old to know which ports are free. */
  readonly applications: () => Promise<readonly SwarmService[]>;
  readonly status: { readonly current: Status | undefined };
  /** Makes the controller check the swarm again. */
  readonly trigger: () => void;
  readonly now: () => number;
}

/** Attempts when other controllers write at the same time. */
const ATTEMPTS = 5;

/**
 * Executes administrators' decisions: validates them, stores them with name and time, and makes the controller apply them. Other
 * controllers do the same: their decisions are read from the swarm, and a conflicting change is repeated on top of them.
 */
export class Administrator {
  readonly #options: AdministratorOptions;
  #current: Administration = untouched;
  #revision = 0;
  #writing: Promise<unknown> = Promise.resolve();

  constructor(options: AdministratorOptions) {
    this.#options = options;
  }

  get current(): Administration {
    return this.#current;
  }

  async load(): Promise<void> {
    const saved = await this.#options.store.load();
    if (saved === undefined || saved.revision < this.#revision) return;
    this.#current = parseSaved(saved);
    this.#revision = saved.revision;
  }

  /** The current decisions, given the Docker configs seen in the swarm. */
  async follow(configs: readonly StoredObject[]): Promise<Administration> {
    const seen = seenRevision(configs);
    if (seen > this.#revision) await this.#inTurn(() => this.load());
    if (seen < this.#revision) await this.#inTurn(() => this.#restore());
    return this.#current;
  }

  /** The Docker config was removed, or the snapshot is older than it. */
  async #restore(): Promise<void> {
    const { store } = this.#options;
    const saved = await store.load();
    if ((saved?.revision ?? 0) >= this.#revision) return;
    // Another controller may restore it first.
    await this.#save(
      (current) => current,
      () => true,
    );
  }

  /** Ports of the cluster `default`, also while routing is off. */
  get ports(): Ports {
    return portsOf(this.#options.settings, this.#current);
  }

  async enable(who: Actor, wanted: { readonly httpPort?: number; readonly httpsPort?: number }): Promise<void> {
    const { httpPort, httpsPort } = { ...this.ports, ...wanted };
    await this.#refuseTaken(httpPort, httpsPort);
    const asSet = portsOf(this.#options.settings, untouched);
    await this.#change(who, `Switched on, HTTP ${httpPort}, HTTPS ${httpsPort}`, (current) => ({
      ...current,
      enabled: true,
      // Ports equal to the settings are not stored, so that they follow later changes of the settings.
      httpPort: httpPort === asSet.httpPort ? undefined : httpPort,
      httpsPort: httpsPort === asSet.httpsPort ? undefined : httpsPort,
    }));
  }

  async disable(who: Actor): Promise<void> {
    await this.#change(who, 'Switched off', (current) => ({ ...current, enabled: false }));
  }

  /** Holds a cluster at a kept version until it is released. */
  async hold(who: Actor, cluster: string, version: string): Promise<void> {
    const { configs } = this.#seen().snapshot;
    this.requireCluster(cluster);
    const kept = configs.some(({ labels }) => labels[clusterLabel] === cluster && labels[versionLabel] === version);
    if (!kept) throw new Refusal(404, 'No such version', `Cluster ${cluster} has no kept version ${version}.`);
    await this.#change(who, `Held ${cluster} at version ${version}`, (current) => ({
      ...current,
      held: { ...current.held, [cluster]: version },
    }));
  }

  async release(who: Actor, cluster: string): Promise<void> {
    this.requireCluster(cluster);
    await this.#change(who, `Released ${cluster}`, (current) => {
      const { [cluster]: _released, ...held } = current.held;
      return { ...current, held };
    });
  }

  /** Rejects names of clusters that are neither in the settings nor among the kept versions. */
  requireCluster(name: string): void {
    const { settings, status } = this.#options;
    const isKnown = isKnownCluster(name, settings, status.current) || Object.hasOwn(this.#current.held, name);
    if (!isKnown) throw new Refusal(404, 'No such cluster', `Unknown cluster ${shownValue(name)}.`);
  }

  /** Records an action whose effect is stored elsewhere. */
  async record(actor: Actor, what: string): Promise<void> {
    const change = toChange(actor, what, new Date(this.#options.now()).toISOString());
    const isSaved = (current: Administration) => current.changes.some((known) => isSame(known, change));
    await this.#inTurn(() => this.#save((current) => recordChange(current, change), isSaved));
  }

  /** Stores a batch of failed sign-in attempts. */
  async recordFailedSignIns(failed: readonly Change[]): Promise<void> {
    const at = new Date(this.#options.now()).toISOString();
    await this.#inTurn(() => this.#save((current) => recordFailedSignIns(current, failed, at)));
  }

  /** Ends a session on all controllers, including those that start later. */
  async endSession(session: EndedSession): Promise<void> {
    const at = new Date(this.#options.now()).toISOString();
    await this.#inTurn(() => this.#save((current) => endSession(current, session, at)));
  }

  /** Starts maintenance of a host or service, except for the allowed clients. Replaces the decision if it is already under maintenance. */
  async startMaintenance(
    who: Actor,
    target: MaintenanceTarget,
    allow: readonly string[],
    more: MaintenanceTerms = {},
  ): Promise<void> {
    const { kind, name } = target;
    if (more.until !== undefined && Date.parse(more.until) <= this.#options.now())
      throw new Refusal(400, 'In the past', `The end ${more.until} is in the past.`);
    if (!isRouted(this.#seen().desired, target))
      throw new Refusal(404, `No such ${kind}`, `No route uses the ${kind} ${name}.`);
    await this.#change(who, describeMaintenance(target, allow, more), (current, since) => ({
      ...current,
      maintenance: withMaintenance(current.maintenance, { kind, name, allow, who: who.name, since, ...more }),
    }));
  }

  /** Ends maintenance whose time is over. All controllers try, so all record the same. */
  async endExpired(): Promise<void> {
    for (const ended of expired(this.#current.maintenance, this.#options.now())) {
      const what = `Ended maintenance of ${ended.kind} ${ended.name}: its time is over`;
      await this.#change({ name: 'Signalbox' }, what, (current) => withoutEnded(current, ended), ended.until);
    }
  }

  async endMaintenance(who: Actor, target: MaintenanceTarget): Promise<void> {
    const { kind, name } = target;
    if (!this.#current.maintenance.some((other) => isTarget(other, target))) {
      const detail = `No administrator started maintenance of ${kind} ${name}. If a label of the service sets it, change the label.`;
      throw new Refusal(404, 'Not in maintenance', detail);
    }
    await this.#change(who, `Ended maintenance of ${kind} ${name}`, (current) => ({
      ...current,
      maintenance: without(current.maintenance, target),
    }));
  }

  /** Creates a token for scripts. Only its hash is known here. */
  async createToken(who: Actor, wanted: WantedToken): Promise<ApiToken> {
    if (wanted.cluster !== undefined) this.requireCluster(wanted.cluster);
    const { token, what } = newToken(wanted, who.name, this.#options.now());
    await this.#change(who, what, (current) => ({
      ...current,
      tokens: withToken(current.tokens, token, token.createdAt),
    }));
    return token;
  }

  async revokeToken(who: Actor, id: string): Promise<ApiToken> {
    const isIt = (token: ApiToken) => token.id === id;
    // Another controller may have created it.
    if (!this.#current.tokens.some(isIt)) await this.#inTurn(() => this.load());
    const token = this.#current.tokens.find(isIt);
    if (token === undefined) throw new Refusal(404, 'No such token', `Unknown token ${shownValue(id)}.`);
    await this.#change(who, `Revoked the token ${token.name}`, (current) => ({
      ...current,
      tokens: current.tokens.filter((other) => !isIt(other)),
    }));
    return token;
  }

  /** Clusters whose routes have the host or service. */
  clustersOf(target: MaintenanceTarget): readonly string[] {
    return this.#seen().desired.clusters.flatMap(({ cluster, routes }) =>
      routes.some((route) => isPartOf(route, target)) ? [cluster.name] : [],
    );
  }

  async #refuseTaken(httpPort: number, httpsPort: number): Promise<void> {
    if (httpPort === httpsPort) throw new Refusal(400, 'Equal ports', 'HTTP and HTTPS require different ports.');
    const { applications, settings } = this.#options;
    const [taken] = takenPorts([httpPort, httpsPort], await applications(), settings);
    if (taken === undefined) return;
    const detail = `Port ${taken.port} is used by service ${taken.service}. Choose another port. Nothing was changed.`;
    throw new Refusal(409, 'Port taken', detail);
  }

  #seen(): Status {
    const { current } = this.#options.status;
    if (current) return current;
    throw new Refusal(503, 'Not ready', 'The controller has not checked the swarm yet. Try again in a moment.');
  }

  /** Each change builds on the previous one, also of other controllers. A change without effect is neither stored nor recorded. */
  async #change(
    actor: Actor,
    what: string,
    next: (current: Administration, at: string) => Administration,
    at = new Date(this.#options.now()).toISOString(),
  ): Promise<void> {
    const { trigger } = this.#options;
    const change = toChange(actor, what, at);
    const changes = (current: Administration) => !isSameState(next(current, at), current);
    await this.#inTurn(async () => {
      // Another controller may have changed it since.
      if (!changes(this.#current)) await this.load();
      if (!changes(this.#current)) return;
      const isSaved = (current: Administration) => current.changes.some((known) => isSame(known, change));
      await this.#save((current) => recordChange(next(current, at), change), isSaved);
      trigger();
    });
  }

  async #save(
    next: (current: Administration) => Administration,
    isSaved: (current: Administration) => boolean = () => false,
  ): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      const current = next(this.#current);
      const revision = this.#revision + 1;
      try {
        await this.#options.store.save({ revision, text: JSON.stringify(current) });
        this.#current = current;
        this.#revision = revision;
        return;
      } catch (error) {
        if (!(error instanceof ConflictError) || attempt === ATTEMPTS) throw error;
        await this.load();
        // The other controller may have built on this change.
        if (isSaved(this.#current)) return;
      }
    }
  }

  /** One at a time. */
  async #inTurn(action: () => Promise<void>): Promise<void> {
    this.#writing = this.#writing.then(action, action);
    await this.#writing;
  }
}
