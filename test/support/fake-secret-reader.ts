import type { SecretReader } from '../../src/controller/ports.ts';
import { controlNetwork, roleLabel } from '../../src/model/names.ts';
import type { ReadSecret } from '../../src/model/secrets/encrypted-secrets.ts';
import type { SecretFacts } from '../../src/model/secrets/secret-facts.ts';
import { secretFacts } from './facts.ts';
import type { FakeSwarm } from './fake-swarm.ts';

/** The jobs that read secrets. */
export class FakeSecretReader implements SecretReader {
  readonly #swarm: FakeSwarm;
  /** Facts by name of the secret. */
  readonly facts = new Map<string, SecretFacts>();
  /** Jobs that start do not answer. */
  isAway = false;
  /** How many secrets were read, by name. */
  readonly reads = new Map<string, number>();

  constructor(swarm: FakeSwarm) {
    this.#swarm = swarm;
  }

  /** Gives running jobs the address under which they answer. */
  start(): void {
    for (const service of this.#swarm.services.filter(({ spec }) => spec.Labels[roleLabel] === 'reader'))
      service.giveAddress(0, controlNetwork, service.name);
  }

  async read(address: string): Promise<readonly ReadSecret[] | undefined> {
    if (this.isAway) return undefined;
    const { spec } = this.#swarm.service(address);
    const variable = (spec.TaskTemplate.ContainerSpec.Env as string[]).find((one) =>
      one.startsWith('SIGNALBOX_SECRETS='),
    );
    const wanted = JSON.parse(variable!.slice('SIGNALBOX_SECRETS='.length)) as { id: string; name: string }[];
    return wanted.map(({ id, name }) => {
      this.reads.set(name, (this.reads.get(name) ?? 0) + 1);
      const facts = this.facts.get(name) ?? secretFacts(name);
      return {
        id,
        facts,
        ...(facts.isMaterial ? { ciphertext: Buffer.from(`${id} encrypted`).toString('base64') } : {}),
      };
    });
  }
}
