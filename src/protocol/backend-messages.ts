import { z } from 'zod';
import { MAX_PEER_FAULTS } from '../model/backends/connections.ts';

const count = z.int().min(0).max(1_000_000);

/** An agent's report about servers that it cannot connect to. Absent if there are none, and in the reports of earlier releases. */
export const reportedFaults = z
  .object({
    peers: z
      .array(
        z.object({
          address: z.string().regex(/^[A-Za-z0-9_.-]{1,253}$/),
          port: z.int().min(1).max(65_535),
          tasks: count,
          refused: count,
          timedOut: count,
          unreachable: count,
        }),
      )
      .max(MAX_PEER_FAULTS),
    hasMore: z.boolean(),
  })
  .optional();
