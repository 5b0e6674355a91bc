import { z } from 'zod';
import { acmeKeys } from '../model/acme/keys.ts';

/** Messages between the controller and the service that orders certificates. */

const secretFile = z.string().regex(/^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}$/);
const name = z
  .string()
  .max(253)
  .regex(/^(?:\*\.)?[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?$/);

/** With the grammar of the settings. Secrets are named by the files that the service mounts them as. */
export const OrderRequest = z.object({
  directory: acmeKeys.Directory.schema,
  email: acmeKeys.Email.schema,
  accountKey: secretFile,
  challenge: acmeKeys.Challenge.schema,
  keyType: acmeKeys.KeyType.schema,
  profile: acmeKeys.Profile.schema,
  preferredChain: acmeKeys.PreferredChain.schema,
  externalAccountKid: acmeKeys.ExternalAccountKid.schema,
  externalAccountSecret: secretFile.or(z.literal('')),
  ca: secretFile.or(z.literal('')),
  dnsProvider: acmeKeys.DnsProvider.schema,
  dnsSecret: secretFile.or(z.literal('')),
  names: z.array(name).min(1).max(100),
});

export const OrderFailure = z.object({
  kind: z.enum(['rate-limited', 'unauthorized', 'dns', 'caa', 'unreachable', 'account', 'other']),
  /** The CA's sentence, or ours. */
  reason: z.string().max(1000),
  /** When the CA allows the next order (milliseconds since the epoch), if it says so. */
  retryAt: z.number().optional(),
});

export const OrderResponse = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('issued'),
    /** PEM, the leaf certificate first. */
    chain: z.string().max(100_000),
    key: z.string().max(20_000),
    serial: z.string().regex(/^[0-9a-f]{1,64}$/),
    notBefore: z.number(),
    notAfter: z.number(),
    ari: z.string().regex(/^[A-Za-z0-9_.-]{0,200}$/),
    names: z.array(name),
  }),
  z.object({ kind: z.literal('failed'), failure: OrderFailure }),
]);

export const RenewalInfoRequest = z.object({
  directory: acmeKeys.Directory.schema,
  ca: secretFile.or(z.literal('')),
  /** Identifies the certificate, see RFC 9773. */
  ari: z.string().regex(/^[A-Za-z0-9_-]{1,100}\.[A-Za-z0-9_-]{1,100}$/),
});

export const RenewalInfoResponse = z.object({
  /** Absent if the CA offers no renewal information. */
  window: z.object({ start: z.number(), end: z.number() }).optional(),
  /** When to ask again, in milliseconds from now. */
  againAfterMs: z.number().int().positive(),
});

/** Asks what a CA will find in DNS when it verifies a name. */
export const LookupRequest = z.object({
  directory: acmeKeys.Directory.schema,
  ca: secretFile.or(z.literal('')),
  name,
});

const property = z.string().max(1000).optional();

export const LookupResponse = z.object({
  /** A and AAAA records; null if DNS failed, and for wildcards. */
  addresses: z
    .array(z.union([z.ipv4(), z.ipv6()]))
    .max(100)
    .nullable(),
  /** The closest CAA records; null if DNS failed. */
  caa: z
    .object({
      owner: z.string().max(253),
      records: z.array(z.object({ issue: property, issuewild: property })).max(100),
    })
    .nullable(),
  /** What the CA calls itself in CAA records; empty if it does not say. */
  identities: z.array(z.string().max(253)).max(20),
});

export type LookupRequest = z.infer<typeof LookupRequest>;
export type LookupResponse = z.infer<typeof LookupResponse>;
export type OrderRequest = z.infer<typeof OrderRequest>;
export type OrderFailure = z.infer<typeof OrderFailure>;
export type OrderResponse = z.infer<typeof OrderResponse>;
export type RenewalInfoRequest = z.infer<typeof RenewalInfoRequest>;
export type RenewalInfoResponse = z.infer<typeof RenewalInfoResponse>;
