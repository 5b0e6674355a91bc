import type Docker from 'dockerode';
import type { TaskRecord } from '../../model/backends/task.ts';
import type { DesiredService } from '../../model/own-services/owned-service.ts';
import type { CredentialsFor, RegistryCredentials } from '../../model/own-services/registry.ts';
import { specDigest } from '../../model/own-services/spec-digest.ts';
import type { NewObject, OwnedService, OwnedTask, Snapshot } from '../../model/snapshot.ts';
import { type ChooseFollowed, ConflictError, type Swarm } from '../ports.ts';
import { parseAnswer } from './answer.ts';
import { call, callForList, isStatus } from './docker-error.ts';
import { type EngineFacts, listEngineFacts } from './engine-facts.ts';
import type { Observer } from './observer.ts';
import { EngineTask } from './schema.ts';
import { toServiceSpec } from './service-spec.ts';
import { readConfigData } from './settings-store.ts';
import { type LineQuery, readTaskLines, type TaskLine } from './task-lines.ts';
import { listTaskRecords } from './task-records.ts';
import { toOwnedTask } from './to-model.ts';

const LOG_LINES = 20;
const MAX_LOG_LENGTH = 4000;

/** The swarm behind an Engine. Every write is safe to repeat. */
export class DockerSwarm implements Swarm {
  readonly #docker: Docker;
  readonly #observer: Observer;
  readonly #credentialsFor: CredentialsFor;

  constructor(docker: Docker, observer: Observer, credentialsFor: CredentialsFor = () => undefined) {
    this.#docker = docker;
    this.#observer = observer;
    this.#credentialsFor = credentialsFor;
  }

  observe(chooseFollowed?: ChooseFollowed): Promise<Snapshot> {
    return this.#observer.observe(chooseFollowed);
  }

  async tasks(serviceId: string): Promise<readonly OwnedTask[]> {
    const filters = JSON.stringify({ service: [serviceId] });
    const tasks = await this.#ofService(serviceId, () =>
      callForList('List tasks', () => this.#docker.listTasks({ filters })),
    );
    return tasks
      .map((task) => toOwnedTask(parseAnswer(EngineTask, task)))
      .toSorted((a, b) => (a.createdAt < b.createdAt ? 1 : -1));
  }

  serviceTasks(serviceIds: readonly string[]): Promise<readonly TaskRecord[]> {
    return listTaskRecords(this.#docker, serviceIds);
  }

  engineFacts(serviceIds: readonly string[]): Promise<EngineFacts> {
    return listEngineFacts(this.#docker, serviceIds);
  }

  taskLines(taskId: string, query: LineQuery, deadlineMs: number): Promise<readonly TaskLine[]> {
    return readTaskLines(this.#docker, taskId, query, deadlineMs);
  }

  async taskLog(taskId: string): Promise<string> {
    try {
      const task = this.#docker.getTask(taskId) as unknown as { logs(options: object): Promise<unknown> };
      const answer = await task.logs({ stdout: true, stderr: true, tail: LOG_LINES, follow: false });
      return printable(
        Buffer.isBuffer(answer) ? answer.toString('utf8') : await readAll(answer as AsyncIterable<Buffer>),
      );
    } catch {
      // Logs are only a hint for people: the task's node may be gone, and the log driver may store nothing.
      return '';
    }
  }

  createConfig({ name, labels, data }: NewObject): Promise<string> {
    const body = { Name: name, Labels: { ...labels }, Data: Buffer.from(data).toString('base64') };
    return this.#create('config', name, () => this.#docker.createConfig(body as never));
  }

  readConfig(id: string): Promise<string> {
    return readConfigData(this.#docker, id);
  }

  createSecret({ name, labels, data }: NewObject): Promise<string> {
    const body = { Name: name, Labels: { ...labels }, Data: Buffer.from(data).toString('base64') };
    return this.#create('secret', name, () => this.#docker.createSecret(body as never));
  }

  async #create(kind: 'config' | 'secret', name: string, request: () => Promise<unknown>): Promise<string> {
    const created = await call(`Create ${kind} ${name}`, request).catch((error) => {
      // Another controller created it first. The next snapshot contains it.
      throw isStatus(error, 409) ? this.#conflict(`${kind} ${name} exists`, error) : error;
    });
    const { id, ID } = created as { id?: string; ID?: string };
    const identity = id ?? ID ?? '';
    // It may have been created anyway. The next snapshot shows it.
    if (identity === '') throw this.#conflict(`The ID of ${kind} ${name} is unknown`);
    this.#observer.note(kind, identity);
    return identity;
  }

  async removeConfig(id: string): Promise<void> {
    await ignoreMissing(call('Remove config', () => this.#docker.getConfig(id).remove()));
    this.#observer.note('config', id);
  }

  async removeSecret(id: string): Promise<void> {
    await ignoreMissing(call('Remove secret', () => this.#docker.getSecret(id).remove()));
    this.#observer.note('secret', id);
  }

  async createService(desired: DesiredService): Promise<void> {
    const spec = toServiceSpec(desired, specDigest(desired));
    const credentials = this.#credentialsFor(desired.image);
    const create = () =>
      credentials === undefined
        ? this.#docker.createService(spec)
        : this.#docker.createService(credentials as Docker.AuthConfig, spec);
    await call(`Create service ${desired.name}`, create).catch((error) => {
      throw isStatus(error, 409) ? this.#conflict(`Service ${desired.name} exists`, error) : error;
    });
  }

  async updateService(current: OwnedService, desired: DesiredService): Promise<void> {
    const present = await this.#present(current);
    const spec = toServiceSpec(desired, specDigest(desired), present);
    await this.#write(current, spec, this.#credentialsFor(desired.image));
  }

  async labelService(current: OwnedService, labels: Readonly<Record<string, string>>): Promise<void> {
    const present = await this.#present(current);
    await this.#write(current, { ...present, Labels: { ...present.Labels, ...labels } });
  }

  async scaleService(current: OwnedService, replicas: number, labels: Readonly<Record<string, string>>): Promise<void> {
    const present = await this.#present(current);
    const Mode = { Replicated: { Replicas: replicas } };
    await this.#write(current, { ...present, Mode, Labels: { ...present.Labels, ...labels } });
  }

  async #present(current: OwnedService) {
    const inspect = () => call('Inspect service', () => this.#docker.getService(current.id).inspect());
    const service = await this.#ofService(current.name, inspect);
    if (service.Version?.Index !== current.index)
      throw this.#conflict(`Service ${current.name} has changed since it was observed`);
    return service.Spec;
  }

  /** Without credentials, Swarm keeps those that the service has. */
  async #write(current: OwnedService, spec: object, credentials?: RegistryCredentials): Promise<void> {
    // The types of dockerode lack the form with credentials.
    const service = this.#docker.getService(current.id) as unknown as UpdatableService;
    const changed = { version: current.index, ...spec };
    const update = () => (credentials === undefined ? service.update(changed) : service.update(credentials, changed));
    await call(`Update service ${current.name}`, update).catch((error) => {
      throw error instanceof ConflictError ? this.#conflict(error.message, error) : error;
    });
    this.#observer.note('service', current.id);
  }

  /** A removed service counts as changed. */
  async #ofService<T>(service: string, request: () => Promise<T>): Promise<T> {
    return request().catch((error) => {
      throw isStatus(error, 404) ? this.#conflict(`Service ${service} no longer exists`, error) : error;
    });
  }

  #conflict(message: string, cause?: unknown): ConflictError {
    this.#observer.forget();
    return new ConflictError(message, { cause });
  }

  async removeService(id: string): Promise<void> {
    await ignoreMissing(call('Remove service', () => this.#docker.getService(id).remove()));
    this.#observer.note('service', id);
  }
}

interface UpdatableService {
  update(spec: object): Promise<unknown>;
  update(credentials: RegistryCredentials, spec: object): Promise<unknown>;
}

async function ignoreMissing(request: Promise<unknown>): Promise<void> {
  await request.catch((error) => {
    if (!isStatus(error, 404)) throw error;
  });
}

/** Logs of a task without a terminal come in frames with binary headers. */
function printable(text: string): string {
  return text.replaceAll(/[^\x20-\x7e\n]+/g, '').slice(-MAX_LOG_LENGTH);
}

async function readAll(stream: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}
