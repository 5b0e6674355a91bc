import { z } from 'zod';
import { MOST_PAGE_BYTES } from '../model/pages.ts';
import { nginxKeys } from '../model/settings-keys.ts';

/**
 * What controller and extension say to each other. Both ends check it: the extension because its input came from labels, the controller
 * because an extension that was taken over must not get further than bounded text.
 */
const MAX_NAME = 512;
const name = z.string().max(MAX_NAME);

const host = z.object({ kind: z.enum(['exact', 'wildcard', 'regex']), name });
const peer = z.object({
  address: z.string().regex(/^[A-Za-z0-9_.:[\]-]{1,300}$/),
  port: z.int().min(1).max(65_535),
  resolve: z.boolean(),
  virtual: z.literal(true).optional(),
  maxFails: z.int().optional(),
  failTimeout: z
    .string()
    .regex(/^\d{1,6}[smh]?$/)
    .optional(),
});
const backend = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('peers'), peers: z.array(peer) }),
  z.object({ kind: z.literal('unavailable') }),
]);
const secretName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/);
const tls = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('none') }),
  z.object({
    kind: z.literal('terminated'),
    certificate: secretName,
    key: secretName,
    isStapled: z.boolean(),
    hsts: z.string().regex(/^(max-age=\d{1,9}(; includeSubDomains)?(; preload)?)?$/),
    clientCa: secretName.or(z.literal('')),
  }),
  z.object({ kind: z.literal('passthrough'), proxyProtocol: z.boolean() }),
  z.object({ kind: z.literal('closed') }),
]);
const route = z.object({
  service: z.object({ id: name, name, createdAt: name }),
  hosts: z.array(host),
  isDefault: z.boolean(),
  path: z.string().regex(/^(\/[A-Za-z0-9._~!+=:@-]+)*$/),
  redirects: z.array(
    z.object({ host: name, secure: z.boolean(), target: z.string().regex(/^https?:\/\/[A-Za-z0-9_.:[\]-]{1,300}$/) }),
  ),
  options: z.object({
    rewrite: z.boolean(),
    sslOnly: z.boolean(),
    protocol: z.enum(['http', 'https', 'h2c', 'grpc', 'grpcs']),
    backendCa: secretName.or(z.literal('')),
    backendName: z.string().regex(/^[a-z0-9_.-]{0,253}$/),
    clientCertificate: z.enum(['none', 'optional', 'required']),
    affinity: z.discriminatedUnion('kind', [
      z.object({ kind: z.literal('none') }),
      z.object({ kind: z.literal('cookie'), name: z.string().regex(/^[A-Za-z0-9_.-]{1,64}$/) }),
      z.object({ kind: z.literal('address') }),
    ]),
  }),
  tls,
  backend,
  maintenance: z.object({ allow: z.array(z.string().regex(/^[0-9a-fA-F.:/]{2,50}$/)) }).optional(),
});

/** Settings were parsed by the controller; their parsed form is what travels. */
const nginx = z.record(z.enum(Object.keys(nginxKeys) as [keyof typeof nginxKeys]), z.unknown());

const digest = z.string().regex(/^[0-9a-f]{16}$/);
const position = z.int().min(0);

export const RenderRequest = z.object({
  cluster: name,
  targetPort: z.int(),
  targetSslPort: z.int(),
  publishedSslPort: z.int(),
  proxyProtocolFrom: z.array(z.string().regex(/^[0-9a-fA-F.:/]{2,50}$/)),
  defaultCertificate: secretName.or(z.literal('')),
  /** Absent in what earlier releases say. */
  metrics: z.boolean().default(false),
  nginx,
  zoneKb: z.int(),
  template: z.string().optional(),
  pages: z.object({
    unavailable: z.string().max(MOST_PAGE_BYTES).optional(),
    maintenance: z.string().max(MOST_PAGE_BYTES).optional(),
  }),
  /** All of them, or what makes them of those of an earlier request, by the name that its answer gave them. */
  routes: z.union([
    z.array(route),
    z.object({
      base: digest,
      removed: z.array(position),
      added: z.array(z.object({ at: position, item: route })),
    }),
  ]),
  /** What those replicas were started for of which one may try the result; absent where something must be attached first. */
  boot: digest.optional(),
  /** Files whose content the controller has, by digest. */
  known: z.array(digest).default([]),
});
export type RenderRequest = z.infer<typeof RenderRequest>;

/** Digest of the extension's templates. */
const templatesVersion = digest;
const message = z.string().max(2000);
const file = z.object({ path: z.string().regex(/^[a-z0-9][a-z0-9.-]{0,63}$/), digest, text: z.string() });
const MAX_FILES = 256;
const files = z.array(file).min(1).max(MAX_FILES);

/** Without files where the extension has rendered the version itself. */
export const OfferRequest = z.object({ boot: digest, version: digest, files: files.optional() });

const keyDigest = z.string().regex(/^[0-9a-f]{32}$/);
const date = z.iso.datetime();
const secret = z.object({
  name: z.string().min(1).max(255),
  certificates: z
    .array(
      z.object({
        names: z.array(z.string().max(253)).max(100),
        from: date,
        until: date,
        publicKey: keyDigest,
        rsaBits: z.int().min(0).max(1_000_000),
        isFollowedByIssuer: z.boolean(),
        wantsStapling: z.boolean(),
        responder: z.string().max(300).default(''),
      }),
    )
    .max(8),
  isBroken: z.boolean(),
  key: z.discriminatedUnion('kind', [
    z.object({ kind: z.enum(['none', 'encrypted', 'unreadable']) }),
    z.object({ kind: z.literal('plain'), publicKey: keyDigest }),
  ]),
  stapledWith: z.array(z.string().min(1).max(255)).max(1000).default([]),
});
/** Absent in what earlier releases say. */
const secrets = z.array(secret).max(10_000).default([]);

const replica = z.object({
  task: z.string().regex(/^[a-z0-9]{1,64}$/),
  boot: digest,
  serving: digest.nullable(),
  refused: z.object({ version: digest, message }).nullable(),
});

/** What an agent says of its replica. */
export const ReportRequest = replica.extend({
  secrets,
  /** The version that nginx has only just taken over. */
  loaded: digest.nullable().default(null),
  /** Files whose content the agent has, by digest. */
  known: z.array(digest).max(MAX_FILES).default([]),
});

const MAX_OFFERS = 16;
const MAX_REPLICAS = 1000;
/** How the agents fare; answers `GET /state`. */
export const StateResponse = z.object({
  /** Digest of offers and replicas. */
  digest,
  templates: templatesVersion,
  offers: z.array(z.object({ boot: digest, version: digest, refused: message.nullable() })).max(MAX_OFFERS),
  replicas: z.array(replica).max(MAX_REPLICAS),
  secrets,
});

export const RenderResponse = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('rendered'),
    templates: templatesVersion,
    version: digest,
    /** Name of the routes, for the next request. */
    routes: digest,
    /** Without the text where the controller has it. */
    files: z
      .array(file.partial({ text: true }))
      .min(1)
      .max(MAX_FILES),
    /** Services that nginx refused, by name, with nginx's words. */
    refused: z.array(z.object({ service: name, message })),
  }),
  z.object({ kind: z.literal('settings-refused'), templates: templatesVersion, message }),
]);
export type RenderResponse = z.infer<typeof RenderResponse>;
export type StateResponse = z.infer<typeof StateResponse>;
