import { type AcmeState, acmeStateSchema, emptyState } from '../../model/acme/state.ts';
import { type AdministrationStore, ConflictError } from '../ports.ts';

const ATTEMPTS = 20;

/** The state of orders, which all controllers share. */
export class StateBook {
  readonly #store: AdministrationStore;

  constructor(store: AdministrationStore) {
    this.#store = store;
  }

  async read(): Promise<AcmeState> {
    return (await this.#load()).state;
  }

  /**
   * Applies a change to the latest state. Writes nothing if the change returns the same text. After a conflict the change
   * is applied again, perhaps to a state that contains it: another controller may have written on top of it meanwhile.
   */
  async update(change: (state: AcmeState) => AcmeState): Promise<AcmeState> {
    for (let attempt = 1; ; attempt++) {
      const { revision, state, text } = await this.#load();
      const changed = change(state);
      const changedText = JSON.stringify(changed);
      if (changedText === text) return changed;
      try {
        await this.#store.save({ revision: revision + 1, text: changedText });
        return changed;
      } catch (error) {
        if (!(error instanceof ConflictError) || attempt === ATTEMPTS) throw error;
      }
    }
  }

  /** Unreadable state is not overwritten: orders could be repeated. */
  async #load(): Promise<{ readonly revision: number; readonly state: AcmeState; readonly text: string }> {
    const saved = await this.#store.load();
    if (saved === undefined) return { revision: 0, state: emptyState, text: JSON.stringify(emptyState) };
    return { revision: saved.revision, state: acmeStateSchema.parse(JSON.parse(saved.text)), text: saved.text };
  }
}
