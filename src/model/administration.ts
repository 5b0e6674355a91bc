import { z } from 'zod';
import { maintenanceSchema } from './maintenance.ts';
import { roleLabel } from './names.ts';
import type { Settings } from './settings.ts';
import type { StoredObject, SwarmService } from './snapshot.ts';

/** A port that a service can be published on. */
export const portSchema = z.int().min(1).max(65_535);

/** Who changed what, and when. */
export const changeSchema = z.object({ at: z.iso.datetime(), who: z.string(), what: z.string() }).readonly();
export type Change = z.infer<typeof changeSchema>;

/** What administrators decide by page, API and command line, beside the settings file. Kept in a Docker config. */
export const administrationSchema = z
  .object({
    /** Whether there are extensions and proxies at all. */
    enabled: z.boolean().default(true),
    /** Ports of the cluster `default`, instead of those of the settings. */
    httpPort: portSchema.optional(),
    httpsPort: portSchema.optional(),
    /** Versions that clusters are held at, by name of the cluster. */
    held: z.record(z.string(), z.string()).default({}),
    /** Hosts and services that are closed for a while. */
    maintenance: z.array(maintenanceSchema).readonly().default([]),
    /** The newest first. */
    changes: z.array(changeSchema).default([]),
  })
  .readonly();
export type Administration = z.infer<typeof administrationSchema>;

/** Role of the Docker config that holds it. */
export const administrationRole = 'administration';

/** Each change is kept under a number of its own. */
export function administrationName(revision: number): string {
  return `signalbox.${administrationRole}.${revision}`;
}

export function revisionOf(name: string): number {
  return Number(/\.(\d{1,9})$/.exec(name)?.[1] ?? 0);
}

/** Number of the last change that a look at the swarm shows; 0 where there is none. */
export function seenRevision(configs: readonly StoredObject[]): number {
  const own = configs.filter(({ labels }) => labels[roleLabel] === administrationRole);
  return Math.max(0, ...own.map(({ name }) => revisionOf(name)));
}

export const untouched: Administration = administrationSchema.parse({});

const KEPT_CHANGES = 50;

export function recordChange(administration: Administration, change: Change): Administration {
  return { ...administration, changes: [change, ...administration.changes].slice(0, KEPT_CHANGES) };
}

/** The settings with the ports that administrators chose. */
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
  /** Name of the service that holds it. */
  readonly service: string;
}

/** Which of these ports somebody other than the proxies of the cluster `default` holds. */
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
  return [...applications, ...clusters].filter((held): held is TakenPort => wanted.includes(held.port ?? 0));
}
