import { z } from 'zod';
import { maintenanceSchema } from '../maintenance.ts';
import { roleLabel } from '../names.ts';
import type { Settings } from '../settings/settings.ts';
import type { StoredObject, SwarmService } from '../snapshot.ts';
import { apiTokenSchema } from './api-tokens.ts';
import { type SignInMethod, signInMethodSchema } from './roles.ts';

/** A port that a service can be published on. */
export const portSchema = z.int().min(1).max(65_535);

/** Who changed what, when, from which address, and how they signed in. */
export const changeSchema = z
  .object({
    at: z.iso.datetime(),
    who: z.string(),
    via: signInMethodSchema.exactOptional(),
    address: z.string().exactOptional(),
    what: z.string(),
  })
  .readonly();
export type Change = z.infer<typeof changeSchema>;

/** Who makes a change. */
export interface Actor {
  readonly name: string;
  readonly via?: SignInMethod;
  readonly address?: string;
}

/** A session that was signed out before its token expires. */
const endedSessionSchema = z.object({ id: z.string(), user: z.string(), until: z.iso.datetime() }).readonly();
export type EndedSession = z.infer<typeof endedSessionSchema>;

/**
 * Administrators' decisions from the page, the API and the command line, in addition to the settings file. Stored in a
 * Docker config.
 */
export const administrationSchema = z
  .object({
    /** Whether extensions and proxies run at all. */
    enabled: z.boolean().default(true),
    /** Ports of the cluster `default`, instead of those of the settings. */
    httpPort: portSchema.optional(),
    httpsPort: portSchema.optional(),
    /** Versions at which clusters are held, by name of the cluster. */
    held: z.record(z.string(), z.string()).default({}),
    /** Hosts and services under maintenance. */
    maintenance: z.array(maintenanceSchema).readonly().default([]),
    /** The newest first. */
    changes: z.array(changeSchema).readonly().default([]),
    /** Failed sign-in attempts, the newest first. */
    failedSignIns: z.array(changeSchema).readonly().default([]),
    endedSessions: z.array(endedSessionSchema).readonly().default([]),
    /** API tokens, the newest first. */
    tokens: z.array(apiTokenSchema).readonly().default([]),
    /** By user: sessions that began before this time are invalid. */
    sessionsEndedBefore: z.record(z.string(), z.iso.datetime()).default({}),
  })
  .readonly();
export type Administration = z.infer<typeof administrationSchema>;

/** Role of the Docker config that stores it. */
export const administrationRole = 'administration';

/** Each change has its own number, which is part of the name. */
export function administrationName(revision: number): string {
  return `signalbox.${administrationRole}.${revision}`;
}

export function revisionOf(name: string): number {
  return Number(/\.(\d{1,9})$/.exec(name)?.[1] ?? 0);
}

/** Number of the last change seen in the swarm; 0 if there is none. */
export function seenRevision(configs: readonly StoredObject[]): number {
  const own = configs.filter(({ labels }) => labels[roleLabel] === administrationRole);
  return Math.max(0, ...own.map(({ name }) => revisionOf(name)));
}

export const untouched: Administration = administrationSchema.parse({});

interface Bounds {
  readonly days: number;
  /** Size limit of the entries as JSON. All of them share a Docker config, which holds 500 KB. */
  readonly bytes: number;
}

const DAY_MS = 24 * 3_600_000;
export const changesBounds: Bounds = { days: 365, bytes: 128 * 1024 };
export const failedSignInsBounds: Bounds = { days: 30, bytes: 32 * 1024 };
const MAX_ENDED_SESSIONS = 200;

export function recordChange(administration: Administration, change: Change): Administration {
  return { ...administration, changes: bounded([change, ...administration.changes], changesBounds, change.at) };
}

/** Failed attempts have their own limits, so that they cannot displace changes. */
export function recordFailedSignIns(
  administration: Administration,
  failed: readonly Change[],
  now: string,
): Administration {
  const all = [...failed, ...administration.failedSignIns];
  return { ...administration, failedSignIns: bounded(all, failedSignInsBounds, now) };
}

/** The newest entries within the limits. Entries are sorted, the newest first. */
function bounded(entries: readonly Change[], { days, bytes }: Bounds, now: string): Change[] {
  const oldest = new Date(Date.parse(now) - days * DAY_MS).toISOString();
  let size = 0;
  const isKept = (entry: Change) => {
    size += Buffer.byteLength(JSON.stringify(entry)) + 1;
    return entry.at >= oldest && size <= bytes;
  };
  const end = entries.findIndex((entry) => !isKept(entry));
  return end === -1 ? [...entries] : entries.slice(0, end);
}

/** If a user ends too many sessions to remember, all sessions of that user end. */
export function endSession(administration: Administration, session: EndedSession, now: string): Administration {
  const ended = administration.endedSessions.filter(({ until }) => until > now);
  if (ended.length < MAX_ENDED_SESSIONS) return { ...administration, endedSessions: [...ended, session] };
  const { user } = session;
  return {
    ...administration,
    endedSessions: ended.filter((other) => other.user !== user),
    sessionsEndedBefore: { ...administration.sessionsEndedBefore, [user]: now },
  };
}

/** The settings with the ports chosen by administrators. */
export function applyPorts(settings: Settings, { httpPort, httpsPort }: Administration): Settings {
  return {
    ...settings,
    clusters: settings.clusters.map((cluster) => {
      if (cluster.name !== 'default') return cluster;
      const { PublishedPort, PublishedSSLPort } = cluster.settings;
      const ports = { PublishedPort: httpPort ?? PublishedPort, PublishedSSLPort: httpsPort ?? PublishedSSLPort };
      return { ...cluster, settings: { ...cluster.settings, ...ports } };
    }),
  };
}

export interface TakenPort {
  readonly port: number;
  /** Name of the service that publishes it. */
  readonly service: string;
}

/** The ports that services other than the proxies of the cluster `default` publish. */
export function takenPorts(
  wanted: readonly number[],
  services: readonly SwarmService[],
  settings: Settings,
): TakenPort[] {
  const applications = services.flatMap(({ name, ports }) =>
    ports.filter(({ protocol }) => protocol === 'tcp').map(({ published }) => ({ port: published, service: name })),
  );
  const clusters = settings.clusters
    .filter(({ name }) => name !== 'default')
    .flatMap(({ settings: { ProxyServiceName: service, PublishedPort, PublishedSSLPort } }) =>
      [PublishedPort, PublishedSSLPort].map((port) => ({ port, service })),
    );
  const ofStreams = settings.clusters.flatMap(({ settings: { ProxyServiceName: service, TcpPorts } }) =>
    TcpPorts.map((port) => ({ port, service })),
  );
  return [...applications, ...clusters, ...ofStreams].filter((held): held is TakenPort =>
    wanted.includes(held.port ?? 0),
  );
}
