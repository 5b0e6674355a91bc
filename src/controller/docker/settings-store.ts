import type Docker from 'dockerode';
import { digest } from '../../lib/digest.ts';
import { roleLabel } from '../../model/names.ts';
import type { StoredObject } from '../../model/snapshot.ts';
import { parseAnswer } from './answer.ts';
import { call, callForList, isStatus } from './docker-error.ts';
import { EngineObject } from './schema.ts';

/** Stores one text in a Docker config, such as the last valid settings. */
export class ConfigStore {
  readonly #docker: Docker;
  readonly #role: string;

  constructor(docker: Docker, role: string) {
    this.#docker = docker;
    this.#role = role;
  }

  /** The last saved text; undefined if there is none. */
  async load(): Promise<string | undefined> {
    const [newest] = await this.#saved();
    return newest === undefined ? undefined : readConfigData(this.#docker, newest.ID);
  }

  /** Saves the text as the latest and removes the one it replaces. Does nothing if it is already the latest. */
  async save(text: string): Promise<void> {
    const saved = await this.#saved();
    const name = `signalbox.${this.#role}.${digest(text)}`;
    const body = { Name: name, Labels: { [roleLabel]: this.#role }, Data: Buffer.from(text).toString('base64') };
    if (saved[0]?.Spec.Name !== name) {
      await call(`Save ${this.#role}`, () => this.#docker.createConfig(body as never)).catch((error) => {
        if (!isStatus(error, 409)) throw error;
      });
    }
    for (const { ID, Spec } of saved.filter((config) => config.Spec.Name !== name)) {
      // Another controller may start at the same time and save first.
      await call(`Remove ${Spec.Name}`, () => this.#docker.getConfig(ID).remove()).catch((error) => {
        if (!isStatus(error, 404)) throw error;
      });
    }
  }

  /** Saves the text again if it was removed from the swarm. Settings of another controller are kept. */
  async restore(text: string, configs: readonly StoredObject[]): Promise<void> {
    if (configs.some(({ labels }) => labels[roleLabel] === this.#role)) return;
    if ((await this.#saved()).length === 0) await this.save(text);
  }

  async #saved(): Promise<EngineObject[]> {
    const configs = await configsOfRole(this.#docker, this.#role);
    return configs.toSorted((a, b) => (a.CreatedAt < b.CreatedAt ? 1 : -1));
  }
}

/** Signalbox's Docker configs with this role. */
export async function configsOfRole(docker: Docker, role: string): Promise<EngineObject[]> {
  const filters = { label: [`${roleLabel}=${role}`] };
  const configs = await callForList('List configs', () => docker.listConfigs({ filters } as never) as never);
  return configs.map((config) => parseAnswer(EngineObject, config));
}

/** Content of a Docker config. */
export async function readConfigData(docker: Docker, id: string): Promise<string> {
  const config = (await call('Read config', () => docker.getConfig(id).inspect())) as { Spec?: { Data?: string } };
  return Buffer.from(config.Spec?.Data ?? '', 'base64').toString('utf8');
}
