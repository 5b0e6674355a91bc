import { z } from 'zod';
import { memoize } from '../lib/memo.ts';
import { featureMessages } from '../model/features/features.ts';
import { isCanonicalPath } from '../model/path.ts';
import { isPathPattern } from '../model/path-pattern.ts';
import { peerMessage } from '../model/peer-message.ts';
import { REDIRECT_STATUSES } from '../model/redirects.ts';
import type { Route } from '../model/route.ts';
import { matchMessage } from '../model/route-labels/match.ts';
import { MOST_WEIGHT } from '../model/route-labels/weight.ts';
import { MAX_NAME, name, secretName } from './message-parts.ts';

export const host = z.object({ kind: z.enum(['exact', 'wildcard', 'regex']), name });
export const backend = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('peers'), peers: z.array(peerMessage) }),
  z.object({ kind: z.literal('unavailable'), isIdle: z.literal(true).optional() }),
]);
const hsts = z.string().regex(/^(max-age=\d{1,9}(; includeSubDomains)?(; preload)?)?$/);
const tls = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('none'), hsts: hsts.optional() }),
  z.object({
    kind: z.literal('terminated'),
    certificate: secretName,
    key: secretName,
    isStapled: z.boolean(),
    hsts,
    clientCa: secretName.or(z.literal('')),
    clientCrl: secretName.optional(),
    protocols: z.enum(['TLSv1.2', 'TLSv1.3', 'TLSv1.2 TLSv1.3']).optional(),
  }),
  z.object({ kind: z.literal('passthrough'), proxyProtocol: z.boolean() }),
  z.object({ kind: z.literal('closed') }),
]);
const path = z.string().max(MAX_NAME).refine(isCanonicalPath);
/** Messages of earlier releases have neither path nor status. */
const redirect = (target: RegExp) =>
  z.object({
    host: name,
    secure: z.boolean(),
    path: z.literal('').default(''),
    target: z.string().max(5000).regex(target),
    status: z.literal(REDIRECT_STATUSES).default(302),
  });
const MAX_PATH_REDIRECTS = 50;
/** A route, as the controller sends it to the extension. */
export const route = z.object({
  service: z.object({ id: name, name, createdAt: name }),
  hosts: z.array(host),
  isDefault: z.boolean(),
  path: z.string().max(MAX_NAME).refine(isPathPattern),
  match: matchMessage.optional(),
  weight: z.int().min(0).max(MOST_WEIGHT).optional(),
  redirects: z.array(redirect(/^https?:\/\/[A-Za-z0-9_.:[\]-]{1,300}$/)),
  pathRedirects: z
    .array(redirect(/^https?:\/\/[A-Za-z0-9_.:[\]-]{1,300}(?:\/[\w.!~*'()&+,;=:@%-]+)*$/).extend({ path }))
    .max(MAX_PATH_REDIRECTS)
    .optional(),
  canonicalHost: z
    .string()
    .regex(/^[A-Za-z0-9_.:[\]-]{1,253}$/)
    .optional(),
  options: z.object(featureMessages),
  tls,
  backend,
  acme: z
    .object({
      issuer: z.string().regex(/^[a-z0-9_-]{1,32}$/),
      thumbprint: z
        .string()
        .regex(/^[A-Za-z0-9_-]{43}$/)
        .optional(),
      isPending: z.literal(true).optional(),
    })
    .optional(),
  maintenance: z.object({ allow: z.array(z.string().regex(/^[0-9a-fA-F.:/]{2,50}$/)) }).optional(),
});

/** Why a route is excluded from requests; undefined if it is valid. */
export const routeFault = memoize((candidate: Route): string | undefined => {
  const [issue] = route.safeParse(candidate).error?.issues ?? [];
  return issue && `${issue.path.join('.')}: ${issue.message}`;
});
