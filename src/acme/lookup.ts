import type { CaaRecord } from 'node:dns';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { closestCaa, createDns, type Dns, findAddresses } from '../lib/dns-records.ts';
import type { LookupRequest, LookupResponse } from '../protocol/acme-messages.ts';
import { getJson } from './get-json.ts';

const TIMEOUT_MS = 5000;
const MOST_RECORDS = 100;

const Directory = z.object({
  meta: z.object({ caaIdentities: z.array(z.string()).catch([]) }).catch({ caaIdentities: [] }),
});

/** What DNS says about a name, and what the CA looks for in it. What cannot be found is left out: the controller only warns. */
export async function lookUp(
  { directory, ca, name }: LookupRequest,
  secrets: string,
  dns: Dns = createDns(TIMEOUT_MS),
): Promise<LookupResponse> {
  const isWildcard = name.startsWith('*.');
  const host = isWildcard ? name.slice(2) : name;
  const [addresses, caa, identities] = await Promise.all([
    isWildcard ? null : findAddresses(host, dns).catch(() => null),
    closestCaa(host, dns).catch(() => null),
    identitiesOf(directory, ca, secrets).catch(() => []),
  ]);
  return {
    addresses: addresses?.slice(0, MOST_RECORDS) ?? null,
    caa: caa && { owner: caa.owner, records: caa.records.slice(0, MOST_RECORDS).map(propertiesOf) },
    identities: identities.slice(0, 20),
  };
}

function propertiesOf({ issue, issuewild }: CaaRecord) {
  return { issue: issue?.slice(0, 1000), issuewild: issuewild?.slice(0, 1000) };
}

async function identitiesOf(directory: string, ca: string, secrets: string): Promise<string[]> {
  const trusted = ca === '' ? undefined : await readFile(join(secrets, ca), 'utf8');
  const { meta } = Directory.parse((await getJson(directory, trusted)).body);
  return meta.caaIdentities.filter((identity) => identity.length <= 253);
}
