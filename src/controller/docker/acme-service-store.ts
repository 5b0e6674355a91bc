import type Docker from 'dockerode';
import { acmeServiceLabel } from '../../model/acme/service.ts';
import { specLabel } from '../../model/names.ts';
import type { DesiredService } from '../../model/own-services/owned-service.ts';
import type { CredentialsFor } from '../../model/own-services/registry.ts';
import { specDigest } from '../../model/own-services/spec-digest.ts';
import type { AcmeServiceStore } from '../acme/ports.ts';
import { call, callForList, isStatus } from './docker-error.ts';
import { EngineService } from './schema.ts';
import { toServiceSpec } from './service-spec.ts';

/** The service that orders certificates, which belongs to no cluster. Another service with its name is left alone. */
export class DockerAcmeServiceStore implements AcmeServiceStore {
  readonly #docker: Docker;
  readonly #credentialsFor: CredentialsFor;

  constructor(docker: Docker, credentialsFor: CredentialsFor = () => undefined) {
    this.#docker = docker;
    this.#credentialsFor = credentialsFor;
  }

  async ensure(desired: DesiredService<'acme'>): Promise<void> {
    const digest = specDigest(desired);
    const present = await this.#find();
    if (present?.Spec.Labels[specLabel] === digest) return;
    const credentials = this.#credentialsFor(desired.image);
    if (present === undefined) return this.#create(desired, digest, credentials);
    const inspected = await call('Inspect service', () => this.#docker.getService(present.ID).inspect());
    // The types of dockerode lack the form with credentials.
    const service = this.#docker.getService(present.ID) as unknown as Updatable;
    const spec = { version: inspected.Version.Index, ...toServiceSpec(desired, digest, inspected.Spec) };
    await call(`Update service ${desired.name}`, () =>
      credentials === undefined ? service.update(spec) : service.update(credentials, spec),
    );
  }

  async remove(): Promise<void> {
    const present = await this.#find();
    if (present === undefined) return;
    await call('Remove service', () => this.#docker.getService(present.ID).remove()).catch((error) => {
      if (!isStatus(error, 404)) throw error;
    });
  }

  /** Another controller may create it at the same time. */
  async #create(desired: DesiredService<'acme'>, digest: string, credentials: object | undefined): Promise<void> {
    const spec = toServiceSpec(desired, digest);
    const create = () =>
      credentials === undefined
        ? this.#docker.createService(spec)
        : this.#docker.createService(credentials as Docker.AuthConfig, spec);
    await call(`Create service ${desired.name}`, create).catch((error) => {
      if (!isStatus(error, 409)) throw error;
    });
  }

  async #find(): Promise<EngineService | undefined> {
    const filters = { label: [`${acmeServiceLabel}=true`] };
    const found = await callForList('List services', () => this.#docker.listServices({ filters } as never) as never);
    return found.map((service) => EngineService.parse(service))[0];
  }
}

interface Updatable {
  update(spec: object): Promise<unknown>;
  update(credentials: object, spec: object): Promise<unknown>;
}
