import {
  type Administration,
  administrationSchema,
  applyPorts,
  recordChange,
  takenPorts,
  untouched,
} from '../model/administration.ts';
import { isPartOf, isTarget, type MaintenanceDecision, type MaintenanceTarget } from '../model/maintenance.ts';
import { clusterLabel, versionLabel } from '../model/names.ts';
import type { Settings } from '../model/settings.ts';
import type { SwarmService } from '../model/snapshot.ts';
import type { Status } from '../reconcile/status.ts';
import { Refusal } from './problem-details.ts';

export interface AdministratorOptions {
  readonly store: { load(): Promise<string | undefined>; save(text: string): Promise<void> };
  readonly settings: Settings;
  /** The applications that there are at this moment: the last look may be too old to tell which ports are free. */
  readonly applications: () => Promise<readonly SwarmService[]>;
  readonly status: { readonly current: Status | undefined };
  /** Has the controller look again. */
  readonly trigger: () => void;
  readonly now: () => number;
}

/** Carries out what administrators decide: checks it, keeps it with who and when, and has the controller act on it. */
export class Administrator {
  readonly #options: AdministratorOptions;
  #current: Administration = untouched;
  #writing: Promise<unknown> = Promise.resolve();

  constructor(options: AdministratorOptions) {
    this.#options = options;
  }

  get current(): Administration {
    return this.#current;
  }

  async load(): Promise<void> {
    const text = await this.#options.store.load();
    if (text !== undefined) this.#current = administrationSchema.parse(JSON.parse(text));
  }

  /** Ports of the cluster `default` as they are, or would be. */
  get ports(): { readonly httpPort: number; readonly httpsPort: number } {
    const { clusters } = applyPorts(this.#options.settings, this.#current);
    const { PublishedPort, PublishedSSLPort } = (clusters.find(({ name }) => name === 'default') ?? clusters[0]!)
      .settings;
    return { httpPort: PublishedPort, httpsPort: PublishedSSLPort };
  }

  async enable(who: string, wanted: { readonly httpPort?: number; readonly httpsPort?: number }): Promise<void> {
    const { httpPort, httpsPort } = { ...this.ports, ...wanted };
    await this.#refuseTaken(httpPort, httpsPort);
    await this.#change(who, `Switched on, HTTP ${httpPort}, HTTPS ${httpsPort}`, (current) => ({
      ...current,
      enabled: true,
      httpPort,
      httpsPort,
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
    const passing = allow.length === 0 ? '' : ` but for ${allow.join(', ')}`;
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

  /** One change at a time: each builds on the one before. */
  async #change(
    who: string,
    what: string,
    next: (current: Administration, at: string) => Administration,
  ): Promise<void> {
    const write = async () => {
      const at = new Date(this.#options.now()).toISOString();
      const changed = recordChange(next(this.#current, at), { at, who, what });
      await this.#options.store.save(JSON.stringify(changed));
      this.#current = changed;
      this.#options.trigger();
    };
    this.#writing = this.#writing.then(write, write);
    await this.#writing;
  }
}

function without(all: readonly MaintenanceDecision[], target: MaintenanceTarget): MaintenanceDecision[] {
  return all.filter((other) => !isTarget(other, target));
}
