import { sleep as sleepFor } from '../../lib/sleep.ts';
import {
  type ConnectionFault,
  MAX_PEER_FAULTS,
  type PeerFault,
  type ReportedFaults,
} from '../../model/backends/connections.ts';
import { numberOf } from '../../model/dns/name-doubts.ts';
import type { ServersInUse } from '../nginx/servers-in-use.ts';
import type { Backends } from '../ports.ts';

export interface ConnectionWatchOptions {
  /** Resolves to undefined if a connection can be opened. */
  readonly connect: (address: string, port: number) => Promise<ConnectionFault | undefined>;
  readonly now: () => number;
  readonly sleep?: typeof sleepFor;
}

const STEP_MS = 250;
/** At most 100 connections a second, plus as many to addresses that have failed. */
const MOST_PER_STEP = 25;
/** An application that has just started may not listen yet. */
const CONFIRMED_MS = 4000;
const AGAIN_MS = 2000;
/** More are not followed. */
const MOST_FAILING = 1024;

interface Target {
  /** Name in Docker's DNS, or the address. */
  readonly name: string;
  readonly address: string;
  readonly port: number;
}

interface Failing extends Target {
  kind: ConnectionFault;
  /** When the first of several consecutive attempts failed. */
  readonly since: number;
  triedAt: number;
  isConfirmed: boolean;
}

/**
 * Checks whether applications accept connections: once when an address appears in Docker's DNS or a port in the configuration, again when nginx fails to connect to it, and every
 * two seconds while it fails. So a mistake is found without traffic, and a healthy swarm costs no connections.
 */
export class ConnectionWatch implements Backends {
  readonly #options: Required<ConnectionWatchOptions>;
  #servers: ServersInUse['ports'] = new Map();
  /** The addresses of each name, as numbers. */
  readonly #addresses = new Map<string, readonly number[]>();
  readonly #queue = new Map<string, Target>();
  readonly #failing = new Map<string, Failing>();
  #reported = '';
  onChange: (() => void) | undefined;

  constructor(options: ConnectionWatchOptions) {
    this.#options = { sleep: sleepFor, ...options };
  }

  /** Undefined if there are none. */
  get faults(): ReportedFaults | undefined {
    const peers = new Map<string, PeerFault>();
    for (const { name, port, kind, isConfirmed } of this.#failing.values()) {
      if (!isConfirmed) continue;
      const tasks = this.#addresses.get(name)?.length ?? 1;
      const peer = peers.get(`${name}:${port}`) ?? {
        address: name,
        port,
        tasks,
        refused: 0,
        timedOut: 0,
        unreachable: 0,
      };
      peers.set(`${name}:${port}`, { ...peer, [kind]: peer[kind] + 1 });
    }
    if (peers.size === 0) return undefined;
    const sorted = [...peers.values()].toSorted((a, b) => (a.address < b.address ? -1 : 1) || a.port - b.port);
    return { peers: sorted.slice(0, MAX_PEER_FAULTS), hasMore: sorted.length > MAX_PEER_FAULTS };
  }

  /** The servers of the configuration that nginx serves. */
  use(servers: ServersInUse['ports']): void {
    if (servers === this.#servers) return;
    const before = this.#servers;
    this.#servers = servers;
    for (const [name, addresses] of this.#addresses) {
      const ports = servers.get(name);
      if (ports === undefined) this.#addresses.delete(name);
      else this.#addAll(name, addresses, withoutKnown(ports, before.get(name)));
    }
    for (const [key, { name, port }] of this.#failing)
      if (!servers.get(name)?.includes(port)) this.#failing.delete(key);
    for (const name of servers.keys()) if (isAddress(name)) this.resolved(name, [numberOf(name)]);
    this.#announce();
  }

  /** The addresses that Docker's DNS has for a name. Called for each name every three seconds: it must be cheap. */
  resolved(name: string, addresses: readonly number[]): void {
    const known = this.#addresses.get(name);
    if (known?.length === addresses.length && addresses.every((address) => known.includes(address))) return;
    const ports = this.#servers.get(name);
    if (ports === undefined) return;
    this.#addresses.set(name, addresses);
    this.#addAll(name, withoutKnown(addresses, known), ports);
    const present = new Set(addresses.map(toText));
    for (const [key, failing] of this.#failing)
      if (failing.name === name && !present.has(failing.address)) this.#failing.delete(key);
    this.#announce();
  }

  /** nginx failed to connect. */
  suspect(address: string, port: number): void {
    const wanted = numberOf(address);
    for (const [name, addresses] of this.#addresses)
      if (addresses.includes(wanted) && this.#servers.get(name)?.includes(port)) this.#add({ name, address, port });
  }

  #addAll(name: string, addresses: readonly number[], ports: readonly number[]): void {
    for (const address of addresses) for (const port of ports) this.#add({ name, address: toText(address), port });
  }

  #add(target: Target): void {
    const key = keyOf(target);
    if (!this.#failing.has(key)) this.#queue.set(key, target);
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      for (const target of this.#due()) void this.#try(target);
      await this.#options.sleep(STEP_MS, signal);
    }
  }

  #due(): Target[] {
    const queued = this.#queue.values().take(MOST_PER_STEP).toArray();
    for (const target of queued) this.#queue.delete(keyOf(target));
    const now = this.#options.now();
    const failing = this.#failing
      .values()
      .filter(({ triedAt }) => now - triedAt >= AGAIN_MS)
      .take(MOST_PER_STEP)
      .toArray();
    // Moves them to the end, so that all get their turn.
    for (const each of failing) {
      each.triedAt = now;
      this.#failing.delete(keyOf(each));
      this.#failing.set(keyOf(each), each);
    }
    return [...queued, ...failing];
  }

  async #try(target: Target): Promise<void> {
    const kind = await this.#options.connect(target.address, target.port);
    const key = keyOf(target);
    const known = this.#failing.get(key);
    if (kind === undefined) this.#failing.delete(key);
    else if (known) {
      known.kind = kind;
      known.isConfirmed ||= this.#options.now() - known.since >= CONFIRMED_MS;
    } else if (this.#isPresent(target) && this.#failing.size < MOST_FAILING) {
      const now = this.#options.now();
      this.#failing.set(key, { ...target, kind, since: now, triedAt: now, isConfirmed: false });
    }
    this.#announce();
  }

  /** It may have left Docker's DNS or the configuration in the meantime. */
  #isPresent({ name, address, port }: Target): boolean {
    const isUsed = this.#servers.get(name)?.includes(port) ?? false;
    return isUsed && (this.#addresses.get(name)?.includes(numberOf(address)) ?? false);
  }

  #announce(): void {
    if (this.#failing.size === 0 && this.#reported === '') return;
    const text = JSON.stringify(this.faults) ?? '';
    if (text === this.#reported) return;
    this.#reported = text;
    this.onChange?.();
  }
}

function withoutKnown(all: readonly number[], known: readonly number[] = []): readonly number[] {
  return all.filter((each) => !known.includes(each));
}

function keyOf({ name, address, port }: Target): string {
  return `${name} ${address}:${port}`;
}

function isAddress(name: string): boolean {
  return /^\d+\.\d+\.\d+\.\d+$/.test(name);
}

function toText(address: number): string {
  return [24, 16, 8, 0].map((bits) => Math.floor(address / 2 ** bits) % 256).join('.');
}
