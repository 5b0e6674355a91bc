import { z } from 'zod';
import { doubtKinds, MAX_DOUBTS } from '../model/dns/name-doubts.ts';
import { MOST_FILES } from '../model/limits.ts';
import { reportedFaults } from './backend-messages.ts';
import { digest, dnsName, message, task, templatesVersion } from './message-parts.ts';
import { secrets } from './secret-messages.ts';

/** The messages about proxies: what their agents report, and what controller and extension tell each other about them. */

const replica = z.object({
  task,
  boot: digest,
  serving: digest.nullable(),
  refused: z.object({ version: digest, message }).nullable(),
  /** Absent if no name is in doubt, and in the reports of earlier releases. */
  doubts: z
    .object({
      names: z
        .array(z.object({ name: dnsName, kind: z.enum(doubtKinds), address: z.ipv4().optional() }))
        .max(MAX_DOUBTS),
      hasMore: z.boolean(),
    })
    .optional(),
  faults: reportedFaults,
});

/** An agent's report about its replica. */
export const ReportRequest = replica.extend({
  secrets,
  /** The version that nginx has just loaded. */
  loaded: digest.nullable().default(null),
  /** Files whose content the agent has, by digest. */
  known: z.array(digest).max(MOST_FILES).default([]),
  /** Chosen by the agent at startup to identify the task's reporter. Absent in reports of earlier releases. */
  instance: z
    .string()
    .regex(/^[0-9a-f]{32}$/)
    .optional(),
});

const MAX_TASKS = 4096;
/** The tasks of the cluster's proxies and their addresses on the control network, the newest first. */
export const TasksRequest = z.object({
  tasks: z.array(z.object({ task, addresses: z.array(z.string().max(50)).max(16) })).max(MAX_TASKS),
});

const MAX_OFFERS = 16;
const MAX_REPLICAS = 1000;
/** The state of the agents; the response to `GET /state`. */
export const StateResponse = z.object({
  /** Digest of offers and replicas. */
  digest,
  templates: templatesVersion,
  /** Digest of the tasks that the extension received. */
  tasks: digest.optional(),
  offers: z.array(z.object({ boot: digest, version: digest, refused: message.nullable() })).max(MAX_OFFERS),
  replicas: z.array(replica).max(MAX_REPLICAS),
  secrets,
});
export type StateResponse = z.infer<typeof StateResponse>;
