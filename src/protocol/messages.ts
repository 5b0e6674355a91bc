import { z } from 'zod';
import { memoize } from '../lib/memo.ts';
import { plainText } from '../lib/plain-text.ts';
import { featureMessages } from '../model/features/features.ts';
import { MOST_FILES } from '../model/limits.ts';
import { doubtKinds, MAX_DOUBTS } from '../model/name-doubts.ts';
import { MOST_PAGE_BYTES } from '../model/pages.ts';
import { isCanonicalPath } from '../model/path.ts';
import { peerMessage } from '../model/peer-message.ts';
import { REDIRECT_STATUSES } from '../model/redirects.ts';
import type { Route } from '../model/route.ts';
import { CLIENT_ADDRESS_HEADERS, type NginxSettings, nginxKeys } from '../model/settings-keys.ts';
import { userFaults } from '../model/users.ts';

/** Stops at a list's first error: a message full of errors would otherwise cause issues of a hundred times its size. */
function firstFault<T>(item: z.ZodType<T>, most: number) {
  return z
    .array(z.unknown())
    .max(most)
    .transform((values, context): T[] => {
      const read: T[] = [];
      for (const [position, value] of values.entries()) {
        const { data, error } = item.safeParse(value);
        if (error) {
          const [{ path, message }] = error.issues as [z.core.$ZodIssue];
          context.addIssue({ code: 'custom', path: [position, ...path], message });
          return z.NEVER;
        }
        read.push(data as T);
      }
      return read;
    });
}

/**
 * The messages between controller and extension. Both ends validate them: the extension because its input comes from labels, the controller because a
 * compromised extension must be limited to bounded text.
 */
const MAX_NAME = 512;
const name = z.string().max(MAX_NAME);

const host = z.object({ kind: z.enum(['exact', 'wildcard', 'regex']), name });
const backend = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('peers'), peers: z.array(peerMessage) }),
  z.object({ kind: z.literal('unavailable') }),
]);
/** Name of the file in the proxies: of the secret, and perhaps a part of its ID. */
const secretName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,76}$/);
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
const route = z.object({
  service: z.object({ id: name, name, createdAt: name }),
  hosts: z.array(host),
  isDefault: z.boolean(),
  path,
  redirects: z.array(redirect(/^https?:\/\/[A-Za-z0-9_.:[\]-]{1,300}$/)),
  pathRedirects: z
    .array(redirect(/^https?:\/\/[A-Za-z0-9_.:[\]-]{1,300}(?:\/[\w.!~*'()&+,;=:@%-]+)*$/).extend({ path }))
    .max(MAX_PATH_REDIRECTS)
    .optional(),
  canonicalHost: z
    .string()
    .regex(/^[A-Za-z0-9_.:[\]-]{1,253}$/)
    .optional(),
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
    ...featureMessages,
  }),
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

/**
 * Settings are sent as parsed by the controller. Another release may have more keys, which are ignored, or fewer, which
 * have their defaults.
 */
const nginx = z.record(z.string(), z.unknown()).transform((sent) => {
  const entries = Object.entries(nginxKeys).map(([key, { default: fallback }]) => [
    key,
    Object.hasOwn(sent, key) ? sent[key] : fallback,
  ]);
  return Object.fromEntries(entries) as NginxSettings;
});

const digest = z.string().regex(/^[0-9a-f]{16}$/);
const position = z.int().min(0);

const networks = z.array(z.string().regex(/^[0-9a-fA-F.:/]{2,50}$/));
const dnsName = z.string().regex(/^[A-Za-z0-9_.-]{1,253}$/);

const MAX_CERTIFICATE_NAMES = 10_000;

/** Why a route is excluded from requests; undefined if it is valid. */
export const routeFault = memoize((candidate: Route): string | undefined => {
  const [issue] = route.safeParse(candidate).error?.issues ?? [];
  return issue && `${issue.path.join('.')}: ${issue.message}`;
});

/** A Docker config holds less than this. */
const MAX_FILE_LENGTH = 1000 * 1024;
const file = z.object({
  path: z.string().regex(/^[a-z0-9][a-z0-9.-]{0,63}$/),
  digest,
  text: z.string().max(MAX_FILE_LENGTH),
});

export const RenderRequest = z.object({
  cluster: name,
  targetPort: z.int(),
  targetSslPort: z.int(),
  publishedSslPort: z.int(),
  defaultPorts: z.object({ http: z.int(), https: z.int() }).default({ http: 80, https: 443 }),
  proxyProtocolFrom: networks,
  trustedProxies: networks.default([]),
  clientAddressHeader: z.enum(CLIENT_ADDRESS_HEADERS).default('X-Forwarded-For'),
  defaultCertificate: secretName.or(z.literal('')),
  defaultCertificateNames: z.array(z.string().max(253)).max(MAX_CERTIFICATE_NAMES).optional(),
  /** Absent if Swarm mounts secrets, and in messages of earlier releases. Without the text if the extension has the file. */
  secretFiles: z
    .array(file.partial({ text: true }))
    .max(MOST_FILES)
    .optional(),
  /** Absent in messages of earlier releases. */
  metrics: z.boolean().default(false),
  nginx,
  zoneKb: z.int(),
  /** Absent in the requests of earlier releases. */
  watch: z
    .object({
      networks: z.array(z.object({ name: dnsName, subnets: networks })),
      doubted: z.array(dnsName).max(MAX_DOUBTS),
    })
    .default({ networks: [], doubted: [] }),
  template: z.string().optional(),
  pages: z.object({
    unavailable: z.string().max(MOST_PAGE_BYTES).optional(),
    maintenance: z.string().max(MOST_PAGE_BYTES).optional(),
  }),
  /** All routes, or a difference to the routes of an earlier request, identified by the name in its response. */
  routes: z.union([
    z.array(route),
    z.object({
      base: digest,
      removed: z.array(position),
      added: z.array(z.object({ at: position, item: route })),
    }),
  ]),
  /** The version that replicas were started for, if one of them may try the result; absent if something must be attached first. */
  boot: digest.optional(),
  /** Files whose content the controller has, by digest. */
  known: z.array(digest).default([]),
});
export type RenderRequest = z.infer<typeof RenderRequest>;

/** Digest of the extension's templates. */
const templatesVersion = digest;
/** The message of nginx, or of an attacker. It appears in the log, the state and the page. */
const MAX_MESSAGE = 2000;
const message = z
  .string()
  .max(MAX_MESSAGE)
  .transform((text) => plainText(text, MAX_MESSAGE));
const files = z.array(file).min(1).max(MOST_FILES);

/** Without files if the extension rendered the version itself. */
export const OfferRequest = z.object({ boot: digest, version: digest, files: files.optional() });

/** A report with this many secrets, each with a chain, would exceed the size limit. */
const MAX_SECRETS = 1000;
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
  users: z
    .object({
      count: z.int().min(0).max(1_000_000),
      fault: z.object({ line: z.int().min(1).max(1_000_000), kind: z.enum(userFaults).catch('malformed') }).optional(),
    })
    .optional(),
  stapledWith: z.array(secretName).max(100).default([]),
});
/** Absent in messages of earlier releases. Secrets with names that Swarm does not allow are ignored. */
const secrets = firstFault(secret, MAX_SECRETS)
  .default([])
  .transform((secrets) => secrets.filter(({ name }) => secretName.safeParse(name).success));

const task = z.string().regex(/^[a-z0-9]{1,64}$/);
const replica = z.object({
  task,
  boot: digest,
  serving: digest.nullable(),
  refused: z.object({ version: digest, message }).nullable(),
  /** Absent if no name is in doubt, and in the reports of earlier releases. */
  doubts: z
    .object({
      names: z
        .array(z.object({ name: dnsName, kind: z.enum(doubtKinds), address: z.ipv4().optional() }))
        .max(MAX_DOUBTS),
      hasMore: z.boolean(),
    })
    .optional(),
});

/** An agent's report about its replica. */
export const ReportRequest = replica.extend({
  secrets,
  /** The version that nginx has just loaded. */
  loaded: digest.nullable().default(null),
  /** Files whose content the agent has, by digest. */
  known: z.array(digest).max(MOST_FILES).default([]),
  /** Chosen by the agent at startup to identify the task's reporter. Absent in reports of earlier releases. */
  instance: z
    .string()
    .regex(/^[0-9a-f]{32}$/)
    .optional(),
});

const MAX_TASKS = 4096;
/** The tasks of the cluster's proxies and their addresses on the control network, the newest first. */
export const TasksRequest = z.object({
  tasks: z.array(z.object({ task, addresses: z.array(z.string().max(50)).max(16) })).max(MAX_TASKS),
});

const MAX_OFFERS = 16;
const MAX_REPLICAS = 1000;
/** The state of the agents; the response to `GET /state`. */
export const StateResponse = z.object({
  /** Digest of offers and replicas. */
  digest,
  templates: templatesVersion,
  /** Digest of the tasks that the extension received. */
  tasks: digest.optional(),
  offers: z.array(z.object({ boot: digest, version: digest, refused: message.nullable() })).max(MAX_OFFERS),
  replicas: z.array(replica).max(MAX_REPLICAS),
  secrets,
});

/** Maximum number of services in a cluster. */
const MAX_REFUSED = 20_000;
export const RenderResponse = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('rendered'),
    templates: templatesVersion,
    version: digest,
    /** Name of the route list, for the next request. */
    routes: digest,
    /** Without the text if the controller has the file. */
    files: z
      .array(file.partial({ text: true }))
      .min(1)
      .max(MOST_FILES),
    /** Services that nginx rejected, with nginx's error message. */
    refused: firstFault(z.object({ service: name, message }), MAX_REFUSED),
  }),
  z.object({ kind: z.literal('settings-refused'), templates: templatesVersion, message }),
]);
export type RenderResponse = z.infer<typeof RenderResponse>;
export type StateResponse = z.infer<typeof StateResponse>;

/** Secrets that one job reads. */
export const MOST_READ_SECRETS = 100;
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
