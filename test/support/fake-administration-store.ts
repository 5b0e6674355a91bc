import { type AdministrationStore, ConflictError, type SavedText } from '../../src/controller/ports.ts';
import { administrationName, administrationRole, revisionOf } from '../../src/model/access/administration.ts';
import { roleLabel } from '../../src/model/names.ts';
import type { FakeSwarm } from './fake-swarm.ts';

/** Stores administrators' decisions in a swarm in memory, where all controllers find them. */
export class FakeAdministrationStore implements AdministrationStore {
  readonly #swarm: FakeSwarm;

  constructor(swarm: FakeSwarm) {
    this.#swarm = swarm;
  }

  async load(): Promise<SavedText | undefined> {
    const [newest] = this.#saved();
    return newest && { revision: revisionOf(newest.name), text: newest.data };
  }

  async save({ revision, text }: SavedText): Promise<void> {
    const labels = { [roleLabel]: administrationRole };
    await this.#swarm.createConfig({ name: administrationName(revision), labels, data: text });
    const [newest, ...others] = this.#saved();
    for (const { id } of others) await this.#swarm.removeConfig(id);
    if (revisionOf(newest!.name) !== revision) throw new ConflictError('out of date');
  }

  #saved() {
    return this.#swarm.configs
      .filter(({ labels }) => labels[roleLabel] === administrationRole)
      .toSorted((a, b) => revisionOf(b.name) - revisionOf(a.name));
  }
}
