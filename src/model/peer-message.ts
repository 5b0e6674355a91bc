import { z } from 'zod';

/** A task in messages between controller and extension. */
export const peerMessage = z.object({
  address: z.string().regex(/^[A-Za-z0-9_.:[\]-]{1,300}$/),
  port: z.int().min(1).max(65_535),
  resolve: z.boolean(),
  exactCase: z.literal(true).optional(),
  virtual: z.literal(true).optional(),
  maxFails: z.int().optional(),
  failTimeout: z
    .string()
    .regex(/^\d{1,6}[smh]?$/)
    .optional(),
});
