import type { CaaRecord } from 'node:dns';
import { Resolver } from 'node:dns/promises';

/** The queries that CAs send. */
export type Dns = Pick<Resolver, 'resolve4' | 'resolve6' | 'resolveCaa'>;

/** Answers to these mean that there are no such records. */
const ABSENT = ['ENODATA', 'ENOTFOUND', 'NXDOMAIN'];

export function createDns(timeoutMs: number): Dns {
  return new Resolver({ timeout: timeoutMs, tries: 2 });
}

/** A and AAAA records; empty if there are none. */
export async function findAddresses(name: string, dns: Dns): Promise<string[]> {
  const found = await Promise.all([orNone(dns.resolve4(name)), orNone(dns.resolve6(name))]);
  return found.flat();
}

export interface FoundCaa {
  /** The name that has the records; the name itself if none has any. */
  readonly owner: string;
  readonly records: readonly CaaRecord[];
}

/** RFC 8659: the closest name that has CAA records decides. */
export async function closestCaa(name: string, dns: Dns): Promise<FoundCaa> {
  const labels = name.split('.');
  for (let depth = 0; depth < labels.length; depth++) {
    const owner = labels.slice(depth).join('.');
    const records = await orNone(dns.resolveCaa(owner));
    if (records.length > 0) return { owner, records };
  }
  return { owner: name, records: [] };
}

async function orNone<T>(records: Promise<T[]>): Promise<T[]> {
  return records.catch((error: NodeJS.ErrnoException) => {
    if (ABSENT.includes(error.code ?? '')) return [];
    throw error;
  });
}
