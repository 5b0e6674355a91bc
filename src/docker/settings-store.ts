import type Docker from 'dockerode';
import { digest } from '../lib/digest.ts';
import { roleLabel } from '../model/names.ts';
import { call, isStatus } from './docker-error.ts';
import { EngineObject } from './schema.ts';

/** Keeps one text in a Docker config: the last good settings, or what administrators decided. */
export class ConfigStore {
  readonly #docker: Docker;
  readonly #role: string;

  constructor(docker: Docker, role: string) {
    this.#docker = docker;
    this.#role = role;
  }

  /** The text last saved; undefined where there is none. */
  async load(): Promise<string | undefined> {
    const [newest] = await this.#saved();
    return newest === undefined ? undefined : readConfigData(this.#docker, newest.ID);
  }

  /** Saves the text as the newest, and removes what it replaces. Writes nothing when it is the newest already. */
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
      await call(`Remove ${Spec.Name}`, () => this.#docker.getConfig(ID).remove());
    }
  }

  async #saved(): Promise<EngineObject[]> {
    const filters = { label: [`${roleLabel}=${this.#role}`] };
    const configs = await call(
      'List configs',
      () => this.#docker.listConfigs({ filters } as never) as unknown as Promise<unknown[]>,
    );
    return configs.map((config) => EngineObject.parse(config)).toSorted((a, b) => (a.CreatedAt < b.CreatedAt ? 1 : -1));
  }
}

/** Content of a Docker config. */
export async function readConfigData(docker: Docker, id: string): Promise<string> {
  const config = (await call('Read config', () => docker.getConfig(id).inspect())) as { Spec?: { Data?: string } };
  return Buffer.from(config.Spec?.Data ?? '', 'base64').toString('utf8');
}
