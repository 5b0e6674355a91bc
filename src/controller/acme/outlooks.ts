import type { Logger } from '../../lib/logger.ts';
import type { Issuers } from '../../model/acme/issuers.ts';
import { type DnsView, outlook } from '../../model/acme/outlook.ts';
import type { CertificateStatus } from '../../model/acme/plan.ts';
import { namedTarget } from '../../model/acme/service.ts';
import { MINUTE_MS } from '../../model/acme/state.ts';
import type { ProblemText } from '../../model/problem-kind.ts';
import type { Status } from '../reconcile/status.ts';
import type { AcmeClient } from './ports.ts';

interface Parts {
  readonly client: Pick<AcmeClient, 'lookUp'>;
  readonly issuers: Issuers;
  readonly logger: Logger;
  readonly now: () => number;
}

const AGAIN_AFTER_MS = 10 * MINUTE_MS;
const MOST_LOOKUPS = 4;

interface Lookup {
  readonly startedAt: number;
  readonly dns: DnsView | undefined;
}

/** What DNS says about names that have no certificate yet, or whose orders fail. */
export class Outlooks {
  readonly #parts: Parts;
  readonly #onChange: () => void;
  readonly #lookups = new Map<string, Lookup>();
  readonly #running = new Set<Promise<void>>();

  constructor(parts: Parts, onChange: () => void) {
    this.#parts = parts;
    this.#onChange = onChange;
  }

  /** Starts what is due, and waits for nothing: lookups do not delay orders. */
  refresh(statuses: readonly CertificateStatus[], signal: AbortSignal): void {
    const asked = statuses.filter(isAsked);
    const names = new Set(asked.map(({ name }) => name));
    for (const name of this.#lookups.keys()) if (!names.has(name)) this.#lookups.delete(name);
    const due = asked.filter(
      ({ name }) => (this.#lookups.get(name)?.startedAt ?? 0) + AGAIN_AFTER_MS < this.#parts.now(),
    );
    for (const status of due.slice(0, MOST_LOOKUPS - this.#running.size)) {
      const running = this.#lookUp(status, signal).finally(() => {
        this.#running.delete(running);
        this.#onChange();
      });
      this.#running.add(running);
    }
  }

  notesOf(
    status: CertificateStatus,
    { desired, snapshot }: Pick<Status, 'desired' | 'snapshot'>,
  ): readonly ProblemText[] {
    const { name, hosts } = status;
    const dns = isAsked(status) ? this.#lookups.get(name)?.dns : undefined;
    const issuer = this.#parts.issuers.get(status.issuer);
    if (dns === undefined || issuer === undefined) return [];
    const serving = desired.clusters.filter(({ routes }) =>
      routes.some((route) => route.acme !== undefined && route.hosts.some((host) => hosts.includes(host.name))),
    );
    const httpPorts = serving.map(({ cluster: { settings } }) => settings.PublicPort ?? settings.PublishedPort);
    const nodes = snapshot.nodes.flatMap(({ address }) => address ?? []);
    return outlook({ name, issuer, dns, nodes, httpPorts });
  }

  /** For tests. */
  async settled(): Promise<void> {
    await Promise.all(this.#running);
  }

  async #lookUp({ name, issuer: issuerName }: CertificateStatus, signal: AbortSignal): Promise<void> {
    const { client, issuers, logger, now } = this.#parts;
    const issuer = issuers.get(issuerName);
    if (issuer === undefined) return;
    const startedAt = now();
    this.#lookups.set(name, { startedAt, dns: this.#lookups.get(name)?.dns });
    const request = { directory: issuer.Directory, ca: namedTarget(issuer.Ca), name };
    const dns = await client.lookUp(request, signal).catch((error: Error) => {
      logger.debug({ name, reason: error.message }, 'Name not looked up');
      return undefined;
    });
    this.#lookups.set(name, { startedAt, dns });
  }
}

/** A working certificate proves more than a lookup. */
function isAsked({ current, failure }: CertificateStatus): boolean {
  return current === undefined || failure !== undefined;
}
