import type { Logger } from '../../lib/logger.ts';
import { clusterLabel } from '../../model/names.ts';
import type { DesiredService, MountedObject } from '../../model/own-services/owned-service.ts';
import { specDigest } from '../../model/own-services/spec-digest.ts';
import { toConfig } from '../../model/secrets/encrypted-secrets.ts';
import type { OwnedService } from '../../model/snapshot.ts';
import type { RenderAnswer } from '../../model/version.ts';
import type { TextChecks } from '../../nginx-text/check-text.ts';
import type {
  Action,
  CreateConfig,
  CreateIdentity,
  IntroduceTasks,
  OfferVersion,
  Render,
  StoreSecret,
} from '../plan/actions.ts';
import { PENDING_ID } from '../plan/actions.ts';
import type { Attempt } from '../plan/observed.ts';
import { rejection, rolloutReason } from '../plan/rollout.ts';
import { type Credentials, type Renderer, SettingsRejectedError, type Swarm } from '../ports.ts';

export interface ApplierOptions {
  readonly swarm: Swarm;
  readonly renderer: Renderer;
  readonly credentials: Credentials;
  readonly logger: Logger;
  readonly now: () => number;
  /** Records each roll-out that begins. */
  readonly attempts: { record(attempts: readonly Attempt[]): void };
  readonly textChecks: TextChecks;
}

const ROLLED_BACK = {
  proxy: 'Rolled back proxies',
  extension: 'Rolled back extension',
  reader: 'Rolled back job',
} as const;

const REMOVED = {
  renamed: 'renamed service',
  'other-mode': 'service to change its mode',
  unused: 'service of a disabled or removed cluster',
  finished: 'job that reads secrets',
} as const;

/** Applies the actions of one cluster's pass. */
export class Applier {
  readonly #options: ApplierOptions;
  readonly #signal: AbortSignal;
  /** IDs of the secrets and configs that this pass has created, by name. */
  readonly #created = new Map<string, string>();

  constructor(options: ApplierOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
  }

  /** In order; an error ends it. */
  async apply(actions: readonly Action[]): Promise<void> {
    for (const action of actions) {
      this.#signal.throwIfAborted();
      await this.#apply(action);
    }
  }

  /** The extension's response is not trusted, even if nginx accepts it. */
  async render({ service, input, permissions, boot }: Render): Promise<RenderAnswer> {
    const { renderer, textChecks } = this.#options;
    try {
      const rendering = await renderer.render(service, input, this.#signal, boot);
      const fault = textChecks.faultOf(input.cluster, permissions, rendering.files);
      if (fault === undefined) return { kind: 'rendered', rendering };
      renderer.forget(service);
      return { kind: 'text-rejected', message: fault };
    } catch (error) {
      if (error instanceof SettingsRejectedError) return { kind: 'settings-rejected', message: error.message };
      throw error;
    }
  }

  async #apply(action: Action): Promise<unknown> {
    const { swarm, logger } = this.#options;
    switch (action.kind) {
      case 'create-identity':
        return this.#createIdentity(action);
      case 'create-config':
        return this.#createConfig(action);
      case 'remove-config': {
        const { id, name, labels } = action.config;
        await swarm.removeConfig(id);
        if (action.why === 'old')
          logger.info({ cluster: labels[clusterLabel], config: name }, 'Removed old configuration');
        return;
      }
      case 'remove-secret':
        return swarm.removeSecret(action.secret.id);
      case 'store-secret':
        return this.#storeSecret(action);
      case 'create-service':
        return this.#createService(action.desired);
      case 'update-service':
        return this.#updateService(action.current, action.desired);
      case 'remove-service': {
        const { id, name, cluster } = action.service;
        await swarm.removeService(id);
        logger.info({ service: name, cluster }, `Removed ${REMOVED[action.why]}`);
        return;
      }
      case 'record-rejection':
        return this.#recordRejection(action.service, action.spec);
      case 'record-foreign': {
        const { service, labels, found } = action;
        await swarm.labelService(service, labels);
        logger.warn({ cluster: service.cluster, secrets: found }, 'Detaching secrets without TLS material');
        return;
      }
      case 'record-spread':
        return swarm.labelService(action.service, action.labels);
      case 'scale-service': {
        const { service, replicas, labels, tries } = action;
        await swarm.scaleService(service, replicas, labels);
        const { name, cluster } = service;
        if (replicas < (service.replicas ?? 0)) logger.info({ service: name, cluster }, 'Removed surplus replica');
        else logger.info({ service: name, cluster, tries }, 'Started a replica to spread proxies');
        return;
      }
      case 'offer-version':
        return this.#offer(action);
      case 'introduce-tasks':
        return this.#introduce(action);
      case 'render':
        return this.render(action);
    }
  }

  async #createIdentity({ role, cluster, name }: CreateIdentity): Promise<void> {
    const { swarm, credentials, logger } = this.#options;
    this.#created.set(name, await swarm.createSecret(await credentials.issue(role, cluster, name)));
    logger.info({ cluster, secret: name }, 'Issued certificate');
  }

  async #createConfig({ cluster, version, config }: CreateConfig): Promise<void> {
    const { swarm, logger } = this.#options;
    const { name, data } = config;
    this.#created.set(name, await swarm.createConfig(config));
    logger.info({ cluster, config: name, version, sizeBytes: data.length }, 'Stored configuration');
  }

  async #storeSecret({ cluster, publicKey, read }: StoreSecret): Promise<void> {
    const { swarm, credentials, logger } = this.#options;
    const config = toConfig(cluster, publicKey, read, credentials.sign);
    await swarm.createConfig(config);
    logger.info({ cluster, secret: read.facts.name, config: config.name }, 'Stored encrypted secret');
  }

  async #createService(desired: DesiredService): Promise<void> {
    const { swarm, logger } = this.#options;
    await swarm.createService(this.#complete(desired));
    logger.info(fieldsOf(desired), 'Created service');
  }

  async #updateService(current: OwnedService, desired: DesiredService): Promise<void> {
    const { swarm, logger, attempts } = this.#options;
    const complete = this.#complete(desired);
    await swarm.updateService(current, complete);
    logger.info(fieldsOf(desired), 'Updated service');
    // It may be rolled back before the next pass.
    attempts.record([{ serviceId: current.id, spec: specDigest(complete) }]);
  }

  /** Inserts the IDs of what this pass has created. */
  #complete(desired: DesiredService): DesiredService {
    const withId = (object: MountedObject): MountedObject =>
      object.id === PENDING_ID ? { ...object, id: this.#created.get(object.name) ?? PENDING_ID } : object;
    return { ...desired, configs: desired.configs.map(withId), secrets: desired.secrets.map(withId) };
  }

  /**
   * A rejection is stored on the service: a new controller must not immediately retry a specification that was rolled
   * back.
   */
  async #recordRejection(service: OwnedService, spec: string): Promise<void> {
    const { swarm, logger, now } = this.#options;
    const tasks = await swarm.tasks(service.id);
    const failed = tasks.find(({ state }) => state === 'failed' || state === 'rejected');
    const log = failed === undefined ? '' : await swarm.taskLog(failed.id);
    const reason = rolloutReason(service.rollout, failed, log);
    logger.warn({ service: service.name, cluster: service.cluster, reason }, ROLLED_BACK[service.role]);
    await swarm.labelService(service, rejection(service, spec, reason, now()));
  }

  async #offer({ service, offer, isOptional }: OfferVersion): Promise<void> {
    const { renderer, logger } = this.#options;
    await renderer.offer(service, offer, this.#signal).catch((error) => {
      if (!isOptional) throw error;
      logger.debug({ cluster: offer.cluster, err: error }, 'Failed to offer a version to new replicas');
    });
  }

  async #introduce({ service, cluster, tasks }: IntroduceTasks): Promise<void> {
    const { renderer, logger } = this.#options;
    // Until the extension accepts them, a task belongs to its first reporter.
    await renderer.introduce(service, cluster, tasks, this.#signal).catch((error) => {
      logger.debug({ cluster, err: error }, 'Failed to send tasks to the extension');
    });
  }
}

function fieldsOf({ name, cluster, image }: DesiredService) {
  return { service: name, cluster, image };
}
