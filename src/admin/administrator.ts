import { z } from 'zod';
import {
  type Administration,
  administrationName,
  administrationSchema,
  applyPorts,
  type Change,
  recordChange,
  seenRevision,
  takenPorts,
  untouched,
} from '../model/administration.ts';
import { isPartOf, isTarget, type MaintenanceDecision, type MaintenanceTarget } from '../model/maintenance.ts';
import { clusterLabel, versionLabel } from '../model/names.ts';
import { shownValue } from '../model/problem.ts';
import type { Settings } from '../model/settings.ts';
import type { StoredObject, SwarmService } from '../model/snapshot.ts';
import { type AdministrationStore, ConflictError, type SavedText } from '../reconcile/ports.ts';
import type { Status } from '../reconcile/status.ts';
import { Refusal } from './problem-details.ts';

export interface AdministratorOptions {
  readonly store: AdministrationStore;
  readonly settings: Settings;
  /** The applications that there are at this moment: the last look may be too old to tell which ports are free. */
  readonly applications: () => Promise<readonly SwarmService[]>;
  readonly status: { readonly current: Status | undefined };
  /** Has the controller look again. */
  readonly trigger: () => void;
  readonly now: () => number;
}

/** How often another controller may be quicker. */
const ATTEMPTS = 5;

/**
 * Carries out what administrators decide: checks it, keeps it with who and when, and has the controller act on it. Other controllers
 * do the same: theirs is taken over when the swarm shows it, and a change is made again on top of it.
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

  /** What holds now, where a look at the swarm showed these Docker configs. */
  async follow(configs: readonly StoredObject[]): Promise<Administration> {
    if (seenRevision(configs) > this.#revision) await this.#inTurn(() => this.load());
    return this.#current;
  }

  /** Ports of the cluster `default` as they are, or would be. */
  get ports(): { readonly httpPort: number; readonly httpsPort: number } {
    return this.#portsWith(this.#current);
  }

  #portsWith(administration: Administration): { readonly httpPort: number; readonly httpsPort: number } {
    const { clusters } = applyPorts(this.#options.settings, administration);
    const { PublishedPort, PublishedSSLPort } = (clusters.find(({ name }) => name === 'default') ?? clusters[0]!)
      .settings;
    return { httpPort: PublishedPort, httpsPort: PublishedSSLPort };
  }

  async enable(who: string, wanted: { readonly httpPort?: number; readonly httpsPort?: number }): Promise<void> {
    const { httpPort, httpsPort } = { ...this.ports, ...wanted };
    await this.#refuseTaken(httpPort, httpsPort);
    const asSet = this.#portsWith(untouched);
    await this.#change(who, `Switched on, HTTP ${httpPort}, HTTPS ${httpsPort}`, (current) => ({
      ...current,
      enabled: true,
      // Those of the settings are no choice of the administrator's: where the settings change, they change.
      httpPort: httpPort === asSet.httpPort ? undefined : httpPort,
      httpsPort: httpsPort === asSet.httpsPort ? undefined : httpsPort,
    }));
  }

  async disable(who: string): Promise<void> {
    await this.#change(who, 'Switched off', (current) => ({ ...current, enabled: false }));
  }

  /** Holds a cluster at a kept version until it is released. */
  async hold(who: string, cluster: string, version: string): Promise<void> {
    const { configs } = this.#seen().snapshot;
    const kept = configs.some(({ labels }) => labels[clusterLabel] === cluster && labels[versionLabel] === version);
    if (!kept) throw new Refusal(404, 'No such version', `The cluster ${cluster} has kept no version ${version}.`);
    await this.#change(who, `Held ${cluster} at version ${version}`, (current) => ({
      ...current,
      held: { ...current.held, [cluster]: version },
    }));
  }

  async release(who: string, cluster: string): Promise<void> {
    await this.#change(who, `Released ${cluster}`, (current) => {
      const { [cluster]: _released, ...held } = current.held;
      return { ...current, held };
    });
  }

  /** Closes a host or a service to all but these clients. Closed before: with another list. */
  async startMaintenance(who: string, target: MaintenanceTarget, allow: readonly string[]): Promise<void> {
    const { kind, name } = target;
    const routes = this.#seen().desired.clusters.flatMap((cluster) => cluster.routes);
    if (!routes.some((route) => isPartOf(route, target)))
      throw new Refusal(404, `No such ${kind}`, `No route has the ${kind} ${name}.`);
    const passing = allow.length === 0 ? '' : ` but for ${shownValue(allow.join(', '))}`;
    await this.#change(who, `Closed the ${kind} ${name}${passing}`, (current, since) => ({
      ...current,
      maintenance: [...without(current.maintenance, target), { kind, name, allow, who, since }],
    }));
  }

  async endMaintenance(who: string, target: MaintenanceTarget): Promise<void> {
    const { kind, name } = target;
    if (!this.#current.maintenance.some((other) => isTarget(other, target))) {
      const detail = `No administrator closed the ${kind} ${name}. A service that its label closes is opened by its label.`;
      throw new Refusal(404, 'Not in maintenance', detail);
    }
    await this.#change(who, `Opened the ${kind} ${name}`, (current) => ({
      ...current,
      maintenance: without(current.maintenance, target),
    }));
  }

  async #refuseTaken(httpPort: number, httpsPort: number): Promise<void> {
    if (httpPort === httpsPort) throw new Refusal(400, 'Equal ports', 'HTTP and HTTPS need a port each.');
    const { applications, settings } = this.#options;
    const [taken] = takenPorts([httpPort, httpsPort], await applications(), settings);
    if (taken === undefined) return;
    const detail = `Port ${taken.port} is taken by the service ${taken.service}. Choose another; nothing was changed.`;
    throw new Refusal(409, 'Port taken', detail);
  }

  #seen(): Status {
    const { current } = this.#options.status;
    if (current) return current;
    throw new Refusal(503, 'Not ready', 'The controller has not seen the swarm yet. Try again in a moment.');
  }

  /** Each change builds on the one before, whoever made it. */
  async #change(
    who: string,
    what: string,
    next: (current: Administration, at: string) => Administration,
  ): Promise<void> {
    const { now, trigger } = this.#options;
    const at = new Date(now()).toISOString();
    await this.#inTurn(() => this.#save({ at, who, what }, (current) => next(current, at)));
    trigger();
  }

  async #save(change: Change, next: (current: Administration) => Administration): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      const current = recordChange(next(this.#current), change);
      const revision = this.#revision + 1;
      try {
        await this.#options.store.save({ revision, text: JSON.stringify(current) });
        this.#current = current;
        this.#revision = revision;
        return;
      } catch (error) {
        if (!(error instanceof ConflictError) || attempt === ATTEMPTS) throw error;
        await this.load();
        // Who was quicker may have built on ours.
        if (this.#current.changes.some((known) => isSame(known, change))) return;
      }
    }
  }

  /** One at a time. */
  async #inTurn(action: () => Promise<void>): Promise<void> {
    this.#writing = this.#writing.then(action, action);
    await this.#writing;
  }
}

function isSame(a: Change, b: Change): boolean {
  return a.at === b.at && a.who === b.who && a.what === b.what;
}

/** Somebody may have written it by hand: that is no mistake of ours. */
function parseSaved({ revision, text }: SavedText): Administration {
  try {
    return administrationSchema.parse(JSON.parse(text));
  } catch (error) {
    const reason = error instanceof z.ZodError ? z.prettifyError(error) : (error as Error).message;
    throw new Error(`The Docker config ${administrationName(revision)} is not understood: ${reason}`, { cause: error });
  }
}

function without(all: readonly MaintenanceDecision[], target: MaintenanceTarget): MaintenanceDecision[] {
  return all.filter((other) => !isTarget(other, target));
}
