import type Docker from 'dockerode';
import { administrationRole, revisionOf } from '../../model/access/administration.ts';
import { roleLabel } from '../../model/names.ts';
import { type AdministrationStore, ConflictError, type SavedText } from '../ports.ts';
import { call, isStatus } from './docker-error.ts';
import { configsOfRole, readConfigData } from './settings-store.ts';

/** Attempts to read while others replace the config. */
const ATTEMPTS = 5;

/**
 * Stores a text, such as administrators' decisions, in a Docker config that several controllers may write. The revision is part of its name, and Swarm
 * accepts each name once: if two controllers write the same revision, the second gets a conflict and reads again.
 */
export class DockerAdministrationStore implements AdministrationStore {
  readonly #docker: Docker;
  readonly #role: string;

  constructor(docker: Docker, role = administrationRole) {
    this.#docker = docker;
    this.#role = role;
  }

  async load(): Promise<SavedText | undefined> {
    for (let attempt = 1; ; attempt++) {
      const [newest] = await this.#saved();
      if (newest === undefined) return undefined;
      try {
        return { revision: newest.revision, text: await readConfigData(this.#docker, newest.id) };
      } catch (error) {
        if (!isStatus(error, 404) || attempt === ATTEMPTS) throw error;
      }
    }
  }

  async save({ revision, text }: SavedText): Promise<void> {
    const name = `signalbox.${this.#role}.${revision}`;
    const body = {
      Name: name,
      Labels: { [roleLabel]: this.#role },
      Data: Buffer.from(text).toString('base64'),
    };
    await call(`Save ${name}`, () => this.#docker.createConfig(body as never)).catch((error) => {
      throw isStatus(error, 409) ? new ConflictError(`${name} exists`, { cause: error }) : error;
    });
    const [newest, ...others] = await this.#saved();
    for (const { id } of others) await this.#remove(id);
    // The name was free again because others already wrote later revisions.
    if (newest?.revision !== revision) throw new ConflictError(`Revision ${revision} is outdated`);
  }

  async #remove(id: string): Promise<void> {
    await call('Remove what was decided before', () => this.#docker.getConfig(id).remove()).catch((error) => {
      if (!isStatus(error, 404)) throw error;
    });
  }

  /** The newest first. */
  async #saved(): Promise<{ readonly id: string; readonly revision: number }[]> {
    const configs = await configsOfRole(this.#docker, this.#role);
    return configs
      .map(({ ID, Spec }) => ({ id: ID, revision: revisionOf(Spec.Name) }))
      .toSorted((a, b) => b.revision - a.revision);
  }
}
