import { z } from 'zod';

/** An address or a network in the format of nginx's geo. */
const network = z.union(
  [z.ipv4(), z.cidrv4(), z.ipv6(), z.cidrv6()],
  'is not an address or a network such as 10.0.0.0/8',
);

/** Maximum number of entries in a label or a list of the settings. */
export const MOST_NETWORKS = 100;

export function isNetwork(text: string): boolean {
  return network.safeParse(text).success;
}

/** Each once and sorted, so that equal lists have equal bytes. */
export function sortNetworks(networks: readonly string[]): readonly string[] {
  return [...new Set(networks)].toSorted();
}

const HALVES: Readonly<Record<string, readonly string[]>> = {
  '0.0.0.0/0': ['0.0.0.0/1', '128.0.0.0/1'],
  '::/0': ['::/1', '8000::/1'],
};

/** nginx's geo stores its default as these two networks, and warns if they are listed. */
export function toGeo(networks: readonly string[]): readonly string[] {
  return networks.flatMap((network) => HALVES[network] ?? [network]);
}

/** The clients that are still allowed. */
export const allowListSchema = z
  .array(network)
  .max(MOST_NETWORKS, `has more than ${MOST_NETWORKS} entries`)
  .transform(sortNetworks);
