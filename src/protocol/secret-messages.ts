import { z } from 'zod';
import { plainText } from '../lib/plain-text.ts';
import { userFaults } from '../model/access/users.ts';
import { firstFault, MAX_CERTIFICATE_NAMES, secretName } from './message-parts.ts';

/** A report with this many secrets, each with a chain, would exceed the size limit. */
const MAX_SECRETS = 1000;
const MOST_ISSUER = 130;
const keyDigest = z.string().regex(/^[0-9a-f]{32}$/);
const date = z.iso.datetime();
const opensslReason = z.string().regex(/^[A-Za-z0-9 ._,-]{0,100}$/);

/** Names or addresses of a certificate. Reports only the first error, as `firstFault` does. */
function texts(isGood: (text: string) => boolean) {
  const areGood = (value: unknown) =>
    Array.isArray(value) &&
    value.length <= MAX_CERTIFICATE_NAMES &&
    value.every((item) => typeof item === 'string' && isGood(item));
  return z.custom<string[]>(areGood, 'Invalid list');
}

/** The facts about a secret. */
const secret = z.object({
  name: z.string().max(255),
  certificates: z
    .array(
      z.object({
        names: texts((text) => text.length <= 253).transform((names) => names.map((name) => plainText(name, 253))),
        /** Absent in reports of earlier releases, like other facts with a default. */
        addresses: texts((text) => /^[0-9a-f.:[\]]{2,50}$/.test(text)).default([]),
        hasAllNames: z.boolean().default(true),
        from: date,
        until: date,
        publicKey: keyDigest,
        keyType: z
          .string()
          .regex(/^[A-Za-z0-9_.-]{0,50}$/)
          .default(''),
        rsaBits: z.int().min(0).max(1_000_000),
        isFollowedByIssuer: z.boolean(),
        wantsStapling: z.boolean(),
        issuer: z
          .string()
          .max(MOST_ISSUER)
          .transform((issuer) => plainText(issuer, MOST_ISSUER))
          .optional(),
        responder: z
          .string()
          .regex(/^[!-~]{0,300}$/)
          .default(''),
      }),
    )
    .max(8),
  isBroken: z.boolean(),
  rejected: opensslReason.default(''),
  rejectedAuthority: opensslReason.default(''),
  isMaterial: z.boolean().default(true),
  hidesBlocks: z.boolean().default(false),
  key: z.discriminatedUnion('kind', [
    z.object({ kind: z.enum(['none', 'encrypted']) }),
    z.object({ kind: z.literal('unreadable'), reason: opensslReason.default('') }),
    z.object({ kind: z.literal('plain'), publicKey: keyDigest }),
  ]),
  revocations: z
    .object({
      count: z.int().min(0).max(100_000),
      isBroken: z.boolean(),
      from: date.optional(),
      until: date.optional(),
    })
    .optional(),
  users: z
    .object({
      count: z.int().min(0).max(1_000_000),
      fault: z.object({ line: z.int().min(1).max(1_000_000), kind: z.enum(userFaults).catch('malformed') }).optional(),
    })
    .optional(),
  stapledWith: z.array(secretName).max(100).default([]),
});
/** The facts that agents report. Absent in messages of earlier releases. Secrets with names that Swarm does not allow are ignored. */
export const secrets = firstFault(secret, MAX_SECRETS)
  .default([])
  .transform((secrets) => secrets.filter(({ name }) => secretName.safeParse(name).success));

/** Secrets that one job reads. */
const MOST_READ_SECRETS = 100;
/** Base64 of a secret of at most 500 KiB. */
const MAX_CIPHERTEXT = 800_000;
/** What a job has read; the response to `GET /secrets`. */
export const SecretsResponse = z.object({
  secrets: z
    .array(
      z.object({
        id: z.string().regex(/^[a-z0-9]{1,64}$/),
        facts: secret,
        ciphertext: z
          .string()
          .regex(/^[A-Za-z0-9+/]+={0,2}$/)
          .max(MAX_CIPHERTEXT)
          .optional(),
      }),
    )
    .max(MOST_READ_SECRETS),
});
