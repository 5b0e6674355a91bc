import { specLabel } from '../../model/names.ts';
import type { OwnedService } from '../../model/snapshot.ts';
import type { Attempt, Attempts } from '../plan/observed.ts';

/** Remembers which specification of a service was last rolled out: Swarm does not say which one it has rolled back. */
export class AttemptBook {
  readonly #specs = new Map<string, string>();

  get specs(): Attempts {
    return this.#specs;
  }

  /** Another controller may have started the roll-out. */
  note(services: readonly (OwnedService | undefined)[]): void {
    for (const service of services) {
      const spec = service?.labels[specLabel];
      if (service?.rollout.kind === 'updating' && spec !== undefined) this.#specs.set(service.id, spec);
    }
  }

  record(attempts: readonly Attempt[]): void {
    for (const { serviceId, spec } of attempts) this.#specs.set(serviceId, spec);
  }
}
