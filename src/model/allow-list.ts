import { z } from 'zod';

/** An address or a network in the format of nginx's geo. */
const network = z.union(
  [z.ipv4(), z.cidrv4(), z.ipv6(), z.cidrv6()],
  'is not an address or a network such as 10.0.0.0/8',
);

const MOST_NETWORKS = 100;

/** The clients that are still allowed, sorted so that equal lists have equal bytes. */
export const allowListSchema = z
  .array(network)
  .max(MOST_NETWORKS, `has more than ${MOST_NETWORKS} entries`)
  .transform((entries) => [...new Set(entries)].toSorted());
