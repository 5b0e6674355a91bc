import { z } from 'zod';
import { portSchema } from '../model/administration.ts';

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

export const keptVersionSchema = z.object({ version: z.string(), createdAt: z.string().describe('RFC 3339') });
export type KeptVersion = z.infer<typeof keptVersionSchema>;
