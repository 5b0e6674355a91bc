import { z } from 'zod';
import { DockerError } from './docker-error.ts';

/** Reads a response. One that does not match the schema is an error of the Engine, and nothing of it is used. */
export function parseAnswer<T>(schema: z.ZodType<T>, answer: unknown): T {
  const parsed = schema.safeParse(answer);
  if (parsed.success) return parsed.data;
  throw new DockerError('Invalid response from Docker', undefined, new z.ZodError(parsed.error.issues));
}
