import { z } from 'zod';
import { MAX_DOUBTS } from '../model/dns/name-doubts.ts';
import { MOST_FILES } from '../model/limits.ts';
import { MOST_PAGE_BYTES } from '../model/pages.ts';
import { CLIENT_ADDRESS_HEADERS, type NginxSettings, nginxKeys } from '../model/settings/keys.ts';
import {
  digest,
  dnsName,
  file,
  firstFault,
  MAX_CERTIFICATE_NAMES,
  message,
  name,
  networks,
  secretName,
  templatesVersion,
} from './message-parts.ts';
import { route } from './route-message.ts';
import { stream } from './stream-message.ts';

/** The messages with which the controller has the extension render and offer versions. */

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

/** Their text is limited to much less. */
const MAX_STREAMS = 1000;
const position = z.int().min(0);

export const RenderRequest = z.object({
  cluster: name,
  targetPort: z.int(),
  targetSslPort: z.int(),
  publishedSslPort: z.int(),
  defaultPorts: z.object({ http: z.int(), https: z.int() }).default({ http: 80, https: 443 }),
  /** Absent in messages of earlier releases. */
  listensOnIpv6: z.boolean().default(false),
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
    notFound: z.string().max(MOST_PAGE_BYTES).optional(),
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
  /** Absent in messages of earlier releases. */
  streams: z.array(stream).max(MAX_STREAMS).default([]),
  /** The version that replicas were started for, if one of them may try the result; absent if something must be attached first. */
  boot: digest.optional(),
  /** Files whose content the controller has, by digest. */
  known: z.array(digest).default([]),
});
export type RenderRequest = z.infer<typeof RenderRequest>;

const files = z.array(file).min(1).max(MOST_FILES);

/** Without files if the extension rendered the version itself. */
export const OfferRequest = z.object({ boot: digest, version: digest, files: files.optional() });

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
