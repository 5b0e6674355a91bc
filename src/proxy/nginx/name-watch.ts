import { sleep as sleepFor } from '../../lib/sleep.ts';
import {
  compareDoubts,
  type DoubtKind,
  isInRanges,
  MAX_DOUBTS,
  type NameDoubt,
  type ReportedDoubts,
} from '../../model/dns/name-doubts.ts';
import type { Addresses } from './dns-client.ts';
import { codes } from './dns-message.ts';
import type { NameInUse } from './servers-in-use.ts';

export interface NameWatchOptions {
  /** Names in the configuration that nginx serves. Returns the same object while they are unchanged. */
  readonly read: () => Promise<readonly NameInUse[]>;
  /** Resolves to undefined if no answer arrives. */
  readonly query: (name: string) => Promise<Addresses | undefined>;
  readonly now: () => number;
  readonly sleep?: typeof sleepFor;
  /** Receives the addresses of a name without doubt, as numbers. */
  readonly onAddresses?: (name: string, addresses: readonly number[]) => void;
}

const ROUND_MS = 3000;
/** Queries are sent in batches, at most 1,000 a second, which takes about 5 % of a core. */
const STEP_MS = 50;
const MOST_PER_STEP = 50;
/** A name that is missing once may belong to a task that has just started. */
const AGAIN_MS = 2500;
/** A proxy that has just joined a network learns its names a moment later. */
const START_MS = 10_000;

/** If all names fail, they fail one after the other. */
const ANNOUNCE_MS = 500;

interface Suspect {
  readonly doubt: NameDoubt;
  /** When the first of several consecutive bad answers arrived. */
  readonly since: number;
  readonly isConfirmed: boolean;
}

/**
 * Checks what Docker's DNS answers for the names that nginx uses. A container on an attachable network can take over a name with an alias, and
 * some engines deny names whose tasks run. See docs/decisions/0013.
 */
export class NameWatch {
  readonly #options: Required<NameWatchOptions>;
  readonly #startedAt: number;
  readonly #suspects = new Map<string, Suspect>();
  #inUse: readonly NameInUse[] = [];
  #reported = '';
  #isAnnouncing = false;
  /** Called when the doubts change. */
  onChange: (() => void) | undefined;

  constructor(options: NameWatchOptions) {
    this.#options = { sleep: sleepFor, onAddresses: () => undefined, ...options };
    this.#startedAt = options.now();
  }

  /** Undefined if there are none. */
  get doubts(): ReportedDoubts | undefined {
    const doubts = [...this.#suspects.values()].flatMap(({ doubt, isConfirmed }) => (isConfirmed ? doubt : []));
    if (doubts.length === 0) return undefined;
    return { names: doubts.toSorted(compareDoubts).slice(0, MAX_DOUBTS), hasMore: doubts.length > MAX_DOUBTS };
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const begunAt = this.#options.now();
      // If the configuration is just being replaced, the next round reads it.
      await this.#read(signal).catch(() => undefined);
      await this.#round(signal);
      await this.#options.sleep(Math.max(STEP_MS, begunAt + ROUND_MS - this.#options.now()), signal);
    }
  }

  async #read(signal: AbortSignal): Promise<void> {
    const inUse = await this.#options.read();
    if (inUse === this.#inUse) return;
    this.#inUse = inUse;
    if (this.#suspects.size === 0) return;
    const present = new Set(inUse.map(({ name }) => name));
    for (const name of this.#suspects.keys()) if (!present.has(name)) this.#suspects.delete(name);
    void this.#announce(signal);
  }

  async #round(signal: AbortSignal): Promise<void> {
    const names = this.#inUse;
    for (let at = 0; at < names.length && !signal.aborted; at += MOST_PER_STEP) {
      for (const name of names.slice(at, at + MOST_PER_STEP)) void this.#check(name, signal);
      if (at + MOST_PER_STEP < names.length) await this.#options.sleep(STEP_MS, signal);
    }
  }

  async #check(use: NameInUse, signal: AbortSignal): Promise<void> {
    const { name, ranges } = use;
    const inUse = this.#inUse;
    const answer = await this.#options.query(name);
    // nginx may no longer use the name.
    if (signal.aborted || inUse !== this.#inUse) return;
    const fault = faultOf(answer, ranges);
    const known = this.#suspects.get(name);
    if (fault !== undefined) this.#suspect(use, { name, ...fault }, signal);
    else if (known !== undefined) this.#suspects.delete(name);
    const isKnown = answer?.truncated !== true && fault?.kind !== 'foreign' && fault?.kind !== 'silent';
    if (isKnown) this.#options.onAddresses(name, addressesIn(answer));
    if (this.#suspects.get(name)?.isConfirmed || known?.isConfirmed) void this.#announce(signal);
  }

  #suspect(use: NameInUse, doubt: NameDoubt, signal: AbortSignal): void {
    const now = this.#options.now();
    const known = this.#suspects.get(doubt.name);
    const since = known?.since ?? now;
    const isLasting = now - since >= AGAIN_MS && now - this.#startedAt >= START_MS;
    const isConfirmed = known?.isConfirmed === true || doubt.kind === 'foreign' || isLasting;
    // Keeps the first address: the same addresses in another order are the same doubt.
    const kept = known?.isConfirmed && known.doubt.kind === doubt.kind ? known.doubt : doubt;
    this.#suspects.set(doubt.name, { doubt: kept, since, isConfirmed });
    // Does not wait for the next round unless there are too many doubts.
    if (known === undefined && this.#suspects.size <= MAX_DOUBTS) void this.#checkAgain(use, signal);
  }

  /** Repeats until the answer is good or the name is no longer used. */
  async #checkAgain(use: NameInUse, signal: AbortSignal): Promise<void> {
    while (!signal.aborted && this.#suspects.has(use.name)) {
      await this.#options.sleep(AGAIN_MS, signal);
      if (!signal.aborted && this.#suspects.has(use.name)) await this.#check(use, signal);
    }
  }

  async #announce(signal: AbortSignal): Promise<void> {
    if (this.#isAnnouncing) return;
    this.#isAnnouncing = true;
    await this.#options.sleep(ANNOUNCE_MS, signal);
    this.#isAnnouncing = false;
    const text = JSON.stringify(this.doubts) ?? '';
    if (text === this.#reported) return;
    this.#reported = text;
    this.onChange?.();
  }
}

function addressesIn(answer: Addresses | undefined): number[] {
  return (answer?.records ?? []).map((record) => record.readUInt32BE(4));
}

function faultOf(
  answer: Addresses | undefined,
  ranges: NameInUse['ranges'],
): { readonly kind: DoubtKind; readonly address?: string } | undefined {
  if (answer === undefined) return { kind: 'silent' };
  const foreign = answer.records.filter((record) => !isInRanges(record.readUInt32BE(4), ranges));
  if (foreign.length > 0) return { kind: 'foreign', address: foreign.map(toAddress).toSorted()[0]! };
  if (answer.records.length > 0 || answer.truncated) return undefined;
  return { kind: answer.code === codes.nameError || answer.code === codes.noError ? 'missing' : 'silent' };
}

/** Skips the record's time to live, which comes first. */
function toAddress(record: Buffer): string {
  return record.subarray(4, 8).join('.');
}
