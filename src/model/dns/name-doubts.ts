/**
 * Why Docker's DNS cannot be trusted for a name: it answers with an address outside the name's network (`foreign`), says that the name does not
 * exist (`missing`), or does not answer (`silent`).
 */
export const doubtKinds = ['foreign', 'missing', 'silent'] as const;
export type DoubtKind = (typeof doubtKinds)[number];

/** A DNS name with wrong answers, reported by an agent. */
export interface NameDoubt {
  readonly name: string;
  readonly kind: DoubtKind;
  /** An address outside the network, of a foreign answer. */
  readonly address?: string | undefined;
}

/** What an agent reports about the names that its nginx resolves. */
export interface ReportedDoubts {
  readonly names: readonly NameDoubt[];
  /** The report could not hold all doubts. */
  readonly hasMore: boolean;
}

/** Maximum number in one report. */
export const MAX_DOUBTS = 128;

/** The names of one cluster that must not be used. */
export interface ClusterDoubts {
  readonly names: ReadonlyMap<string, NameDoubt>;
  /** Set if all names of the cluster are in doubt. */
  readonly all: DoubtKind | undefined;
}

/** By name of the cluster; absent if nothing is in doubt. */
export type Doubts = ReadonlyMap<string, ClusterDoubts>;

export const NO_DOUBTS: Doubts = new Map();

/**
 * The data that agents require to check names: the subnets of each network, and names that nginx does not use at the moment because they are in
 * doubt.
 */
export interface WatchedNames {
  readonly networks: readonly NetworkSubnets[];
  readonly doubted: readonly string[];
}

export interface NetworkSubnets {
  readonly name: string;
  readonly subnets: readonly string[];
}

export const NOTHING_WATCHED: WatchedNames = { networks: [], doubted: [] };

/** `tasks.web.app` is the service `web` on the network `app`. Names of services and networks contain no dots. */
export function splitName(name: string): { readonly service: string; readonly network: string } | undefined {
  const labels = name.split('.');
  const [service, network, ...others] = labels[0] === 'tasks' && labels.length > 2 ? labels.slice(1) : labels;
  return service === undefined || network === undefined || others.length > 0 ? undefined : { service, network };
}

/** Addresses (IPv4) as numbers, both ends included. */
export interface AddressRange {
  readonly first: number;
  readonly last: number;
}

/** Converts subnets such as `10.0.1.0/24`. */
export function toRanges(subnets: readonly string[]): AddressRange[] {
  return subnets.map((subnet) => {
    const [base = '', length = '32'] = subnet.split('/');
    const size = 2 ** (32 - Number(length));
    const first = Math.floor(numberOf(base) / size) * size;
    return { first, last: first + size - 1 };
  });
}

export function isInRanges(address: number, ranges: readonly AddressRange[]): boolean {
  for (const { first, last } of ranges) if (address >= first && address <= last) return true;
  return false;
}

export function isInSubnets(address: string, subnets: readonly string[]): boolean {
  return isInRanges(numberOf(address), toRanges(subnets));
}

/** An IPv4 address as a number. */
export function numberOf(address: string): number {
  return address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
}

/** Foreign answers first: their names must stay watched in any case. */
export function compareDoubts(a: NameDoubt, b: NameDoubt): number {
  return doubtKinds.indexOf(a.kind) - doubtKinds.indexOf(b.kind) || (a.name < b.name ? -1 : 1);
}
