import { z } from 'zod';
import { portSchema } from '../../model/access/administration.ts';
import { DEFAULT_TOKEN_DAYS, MAX_TOKEN_DAYS, tokenNameSchema } from '../../model/access/api-tokens.ts';
import { roleSchema, signInMethodSchema } from '../../model/access/roles.ts';
import { allowListSchema } from '../../model/allow-list.ts';
import type { TaskAnswer } from '../../model/backends/explain-tasks.ts';
import type { Explanation } from '../../model/explain/explanation.ts';
import { REDIRECT_STATUSES } from '../../model/redirects.ts';

/** Request and response bodies, except the State. */
export const credentialsSchema = z.object({ username: z.string().max(200), password: z.string().max(1000) });
export const tokenSchema = z.object({ auth_token: z.string() });
export const sessionTokenSchema = z.object({
  session_token: z.string().describe('Sent in the header `X-Signalbox-Session` together with the cookie.'),
});

/** The format that scripts for UCP send. */
export const interlockSchema = z.object({
  HTTPPort: portSchema.optional(),
  HTTPSPort: portSchema.optional(),
  InterlockEnabled: z.boolean().optional(),
  Arch: z.string().optional().describe('Accepted and ignored: images define their architecture.'),
});
const clusterSchema = z.string().nullable().describe('The only service cluster it is valid for; null for all.');
export const userSchema = z.object({
  name: z.string(),
  role: roleSchema,
  via: signInMethodSchema.describe('Sign-in method: password, API token or OpenID Connect.'),
  cluster: clusterSchema,
});

export const methodsSchema = z.object({
  oidc: z.boolean().describe('Whether the page offers sign-in with OpenID Connect.'),
});
export const oidcFlowSchema = z.object({
  url: z.string().describe("The OpenID provider's sign-in page, to open in the browser."),
  state: z.string().describe('Value that the provider returns together with the code.'),
  flow: z.string().describe('For `POST /auth/oidc/session`, within ten minutes. Valid for this origin only.'),
});
export const oidcAnswerSchema = z.object({
  flow: z.string().max(4000),
  answer: z.string().max(8000).describe("The query string of the provider's redirect."),
});

export const usersSchema = z.object({
  users: z.array(z.object({ name: z.string(), role: roleSchema })).readonly(),
  oidc: z
    .object({ issuer: z.string(), groups: z.array(z.object({ group: z.string(), role: roleSchema })).readonly() })
    .nullable()
    .describe('The issuer and the role of each of its groups; null without OpenID Connect.'),
});
export type UsersView = z.infer<typeof usersSchema>;

export const tokenRequestSchema = z.strictObject({
  name: tokenNameSchema,
  role: roleSchema,
  cluster: z.string().max(100).optional().describe('Limits the token to one service cluster.'),
  days: z.int().min(1).max(MAX_TOKEN_DAYS).default(DEFAULT_TOKEN_DAYS).describe('Number of days the token is valid.'),
});
export const tokenViewSchema = z.object({
  id: z.string(),
  name: z.string(),
  role: roleSchema,
  cluster: clusterSchema,
  createdAt: z.string().describe('RFC 3339'),
  createdBy: z.string(),
  expiresAt: z.string().describe('RFC 3339'),
});
export type TokenView = z.infer<typeof tokenViewSchema>;
export const createdTokenSchema = tokenViewSchema.extend({
  token: z.string().describe('Shown only once: only its hash is stored.'),
});
export type CreatedToken = z.infer<typeof createdTokenSchema>;

/** Longer ones are no reason, but a text. */
const MAX_REASON = 200;
export const allowSchema = z.object({
  allow: allowListSchema.default([]).describe('Client addresses and networks that are allowed.'),
  reason: z.string().trim().max(MAX_REASON).exactOptional().describe('Shown to administrators, not to clients.'),
  until: z.iso.datetime().exactOptional().describe('When it ends automatically, RFC 3339 in UTC.'),
});

export const auditEntrySchema = z
  .object({
    at: z.string().describe('RFC 3339'),
    who: z.string(),
    via: signInMethodSchema.nullable().describe('Sign-in method; null if not signed in.'),
    address: z.string().nullable().describe("The client's address; null if unknown."),
    what: z.string(),
  })
  .readonly();
export type AuditEntry = z.infer<typeof auditEntrySchema>;

export const explainedUrlSchema = z
  .string()
  .trim()
  .min(1)
  .max(8192)
  .describe(
    'A URL over HTTP or HTTPS, whose scheme may be omitted (`app.example.org/path`), or a connection (`tcp://db.example.org:5432`).',
  );

export const explainedDetails = {
  method: z.string().optional().describe('Default: GET.'),
  header: z.array(z.string()).optional().describe('A header of the request: `X-Beta: yes`. May be repeated.'),
  cookie: z.array(z.string()).optional().describe('A cookie of the request: `group=b`. May be repeated.'),
};

const versionTotals = z.object({ appear: z.int(), disappear: z.int(), lines: z.int() });
export const versionChangesSchema = z.object({
  appear: z.array(z.string()).readonly().describe('Hosts, and ports of connections, that are added. The first 50.'),
  disappear: z.array(z.string()).readonly().describe('Those that are removed. The first 50.'),
  lines: z
    .array(z.string())
    .readonly()
    .describe('Changed routes, such as `+ shop.example.org → shop_web`. The first 50.'),
  total: versionTotals.describe('How many there are.'),
});
export type VersionChangesView = z.infer<typeof versionChangesSchema>;

export const keptVersionSchema = z.object({
  version: z.string(),
  createdAt: z.string().describe('RFC 3339'),
  cause: z
    .string()
    .nullable()
    .describe('Administrator and decision that led to it; null for changes of services and settings.'),
  changes: versionChangesSchema.nullable().describe('Compared with the next older kept version; null for the oldest.'),
});
export type KeptVersion = z.infer<typeof keptVersionSchema>;

const explainedRouteSchema = z
  .object({
    host: z.string(),
    path: z.string(),
    match: z.string().exactOptional(),
    services: z.array(z.string()).readonly(),
  })
  .readonly();

const answerSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('service'), route: explainedRouteSchema, requestUri: z.string() }),
  z.object({ kind: z.literal('redirect'), status: z.literal(REDIRECT_STATUSES), location: z.string() }),
  z.object({ kind: z.literal('unavailable'), route: explainedRouteSchema }),
  z.object({ kind: z.literal('maintenance'), allow: z.array(z.string()).readonly() }),
  z.object({ kind: z.enum(['no-path', 'no-host', 'bad-request', 'no-certificate', 'refused']) }),
]);

/** How a request is routed, as `signalbox explain` shows it. */
export const explanationSchema = z
  .object({
    cluster: z.string(),
    url: z.string().describe('The URL as parsed.'),
    answer: answerSchema,
    because: z.array(z.string()).readonly(),
    passedOver: z.array(z.object({ route: explainedRouteSchema, reason: z.string() })).readonly(),
    effects: z
      .array(z.object({ label: z.string().describe('Name after `com.docker.lb.`.'), text: z.string() }))
      .readonly()
      .describe(
        'What labels of the route do to the request, in the order in which it meets them. Empty if no task receives it.',
      ),
    fromSettings: z
      .array(
        z.object({
          service: z.string(),
          label: z.string().describe('Name after `com.docker.lb.`.'),
          value: z.string(),
          from: z.string().describe('`policy <name>`, or a table of the settings.'),
        }),
      )
      .readonly()
      .describe('Labels of the route that the settings set, not its services.'),
    tasks: z
      .enum(['all', 'some', 'none'])
      .exactOptional()
      .describe('How many tasks of the services answer. Absent if no service answers, or it is unknown.'),
  })
  .readonly() satisfies z.ZodType<Explanation>;
export type ClusterExplanation = Explanation & { readonly cluster: string; readonly tasks?: TaskAnswer };
