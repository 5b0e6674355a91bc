import type { Logger } from '../../lib/logger.ts';
import type { Change } from '../../model/access/administration.ts';
import type { FailedSignIn } from './access.ts';

export interface FailedSignInsOptions {
  readonly save: (failed: readonly Change[]) => Promise<void>;
  readonly logger: Logger;
  readonly now: () => number;
  /** Delay from the first failure until it is saved. */
  readonly delayMs?: number;
}

const DELAY_MS = 2000;
/** Each save writes to the swarm. The pause limits how many writes an attacker can cause. */
const PAUSE_MS = 60_000;
/** Clients counted separately between two saves. The others are counted together. */
const MAX_CLIENTS = 50;

interface Count {
  readonly who: string;
  readonly address: string | undefined;
  failed: number;
  held: number;
  at: number;
}

/** Logs failed sign-in attempts and records them in the audit log: one entry per user and address, at most once a minute. */
export class FailedSignIns {
  readonly #options: FailedSignInsOptions;
  #counts = new Map<string, Count>();
  #timer: NodeJS.Timeout | undefined;
  #savedAt = Number.NEGATIVE_INFINITY;

  constructor(options: FailedSignInsOptions) {
    this.#options = options;
  }

  /** The name of an unknown user is not stored, because it may be a password. */
  record({ user, address, held }: FailedSignIn): void {
    const who = user ?? 'unknown user';
    const count = this.#countOf(who, address);
    count[held ? 'held' : 'failed'] += 1;
    count.at = this.#options.now();
    // Only evaluated attempts are logged one by one. There may be many more rejected ones.
    if (!held) this.#options.logger.warn({ user: who, address }, 'Sign-in failed');
    this.#schedule();
  }

  async flush(): Promise<void> {
    const { save, logger, now } = this.#options;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#counts.size === 0) return;
    const counts = this.#counts;
    this.#counts = new Map();
    this.#savedAt = now();
    for (const { who, address, held } of counts.values()) {
      if (held > 0) logger.warn({ user: who, address, attempts: held }, 'Sign-in attempts rejected');
    }
    const entries = [...counts.values()].map(toEntry).toSorted((a, b) => b.at.localeCompare(a.at));
    await save(entries).catch((error) => logger.error({ err: error }, 'Failed sign-ins not recorded'));
  }

  #countOf(who: string, address: string): Count {
    const key = `${who} ${address}`;
    const known = this.#counts.get(key);
    if (known !== undefined) return known;
    const isOther = this.#counts.size >= MAX_CLIENTS;
    const place = isOther ? 'others' : key;
    const count = this.#counts.get(place) ?? {
      who: isOther ? 'several users' : who,
      address: isOther ? undefined : address,
      failed: 0,
      held: 0,
      at: 0,
    };
    this.#counts.set(place, count);
    return count;
  }

  #schedule(): void {
    if (this.#timer !== undefined) return;
    const { now, delayMs = DELAY_MS } = this.#options;
    const wait = Math.max(delayMs, this.#savedAt + PAUSE_MS - now());
    this.#timer = setTimeout(() => void this.flush(), wait).unref();
  }
}

function toEntry({ who, address, failed, held, at }: Count): Change {
  const parts = [
    ...(failed > 0 ? [`Failed to sign in ${times(failed)}`] : []),
    ...(held > 0 ? [`${held} ${held === 1 ? 'attempt' : 'attempts'} rejected without checking the password`] : []),
  ];
  const what = address === undefined ? `${parts.join('; ')}, from several addresses` : parts.join('; ');
  return { at: new Date(at).toISOString(), who, ...(address === undefined ? {} : { address }), what };
}

function times(count: number): string {
  return count === 1 ? 'once' : `${count} times`;
}
