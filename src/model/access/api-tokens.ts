import { z } from 'zod';
import { roleSchema } from './roles.ts';

/**
 * A token for scripts and pipelines. Only a hash of the token is stored. The token has 256 random bits and cannot be guessed, so a fast hash is
 * enough, and a Docker config may contain it.
 */
export const apiTokenSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    role: roleSchema,
    /** The only service cluster that it can read and change. */
    cluster: z.string().exactOptional(),
    /** SHA-256 of the token, in base64url. */
    hash: z.string(),
    createdAt: z.iso.datetime(),
    createdBy: z.string(),
    expiresAt: z.iso.datetime(),
  })
  .readonly();
export type ApiToken = z.infer<typeof apiTokenSchema>;

/** All of them share a Docker config with the other decisions. */
export const MAX_TOKENS = 200;
export const MAX_TOKEN_DAYS = 366;
export const DEFAULT_TOKEN_DAYS = 90;

export const tokenNameSchema = z
  .string()
  .regex(/^[a-zA-Z0-9][a-zA-Z0-9._@-]{0,63}$/, 'is not a name such as ci-deploy: letters, digits, and . _ @ -');

export function isExpired({ expiresAt }: ApiToken, now: string): boolean {
  return Date.parse(expiresAt) <= Date.parse(now);
}

/** The valid tokens; expired ones only take up space. */
export function validTokens(tokens: readonly ApiToken[], now: string): ApiToken[] {
  return tokens.filter((token) => !isExpired(token, now));
}

/** A cluster's token has no access to hosts or services that other clusters serve too. */
export function isOfClusterAlone(clusters: readonly string[], cluster: string): boolean {
  return clusters.length > 0 && clusters.every((name) => name === cluster);
}
