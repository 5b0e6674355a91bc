import { z } from 'zod';
import { portSchema } from '../model/administration.ts';
import { allowListSchema } from '../model/allow-list.ts';
import type { Explanation } from '../model/explain.ts';

/** Bodies of requests, and of answers other than the State. */
export const credentialsSchema = z.object({ username: z.string().max(200), password: z.string().max(1000) });
export const tokenSchema = z.object({ auth_token: z.string() });

/** As scripts made for UCP send it. */
export const interlockSchema = z.object({
  HTTPPort: portSchema.optional(),
  HTTPSPort: portSchema.optional(),
  InterlockEnabled: z.boolean().optional(),
  Arch: z.string().optional().describe('Taken, and not used: images know their architecture.'),
});
export const userSchema = z.object({ name: z.string(), role: z.enum(['admin', 'viewer']) });

export const allowSchema = z.object({
  allow: allowListSchema.default([]).describe('Addresses and networks of clients that still pass.'),
});

export const keptVersionSchema = z.object({ version: z.string(), createdAt: z.string().describe('RFC 3339') });
export type KeptVersion = z.infer<typeof keptVersionSchema>;

const explainedRouteSchema = z
  .object({ host: z.string(), path: z.string(), services: z.array(z.string()).readonly() })
  .readonly();

const answerSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('service'), route: explainedRouteSchema, requestUri: z.string() }),
  z.object({ kind: z.literal('redirect'), status: z.literal([301, 302]), location: z.string() }),
  z.object({ kind: z.literal('unavailable'), route: explainedRouteSchema }),
  z.object({ kind: z.literal('maintenance'), allow: z.array(z.string()).readonly() }),
  z.object({ kind: z.enum(['no-path', 'no-host', 'bad-request', 'no-certificate']) }),
]);

/** What becomes of a request, as `signalbox explain` tells it too. */
export const explanationSchema = z
  .object({
    cluster: z.string(),
    url: z.string().describe('As it was understood.'),
    answer: answerSchema,
    because: z.array(z.string()).readonly(),
    passedOver: z.array(z.object({ route: explainedRouteSchema, reason: z.string() })).readonly(),
  })
  .readonly() satisfies z.ZodType<Explanation>;
export type ClusterExplanation = Explanation & { readonly cluster: string };
