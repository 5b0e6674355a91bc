import { z } from 'zod';
import { takenPorts } from '../../model/access/administration.ts';
import { hidesAddresses } from '../../model/cluster-facts.ts';
import { runChecks } from '../../model/doctor/check.ts';
import { swarmChecks } from '../../model/doctor/checks.ts';
import type { ClusterFacts, DoctorFacts, ManagerFacts, NodeFacts, PortFact } from '../../model/doctor/facts.ts';
import { eligibleNodes } from '../../model/own-services/constraints.ts';
import type { Settings } from '../../model/settings/settings.ts';
import type { EngineFacts } from '../docker/engine-facts.ts';
import type { PortTarget } from '../doctor-probes.ts';
import { isUp } from '../plan/replicas.ts';
import type { Status } from '../reconcile/status.ts';
import type { CertificateView } from './certificates.ts';

export const doctorSchema = z
  .object({
    observedAt: z.string().describe('RFC 3339, by the clock of the controller.'),
    results: z
      .array(
        z
          .object({
            check: z.string(),
            title: z.string().describe('What holds if the status is `ok`.'),
            status: z.enum(['ok', 'found', 'unknown']).describe('`unknown` if the controller cannot observe it.'),
            findings: z
              .array(
                z
                  .object({
                    severity: z.enum(['error', 'warning', 'notice']),
                    what: z.string(),
                    why: z.string(),
                    fix: z.string(),
                  })
                  .readonly(),
              )
              .readonly(),
          })
          .readonly(),
      )
      .readonly(),
  })
  .readonly();
export type DoctorView = z.infer<typeof doctorSchema>;

export interface DoctorSources {
  readonly status: () => Status | undefined;
  readonly settings: Settings;
  readonly certificates: () => readonly CertificateView[];
  readonly engine: (serviceIds: readonly string[]) => Promise<EngineFacts>;
  readonly probePorts: (targets: readonly PortTarget[]) => Promise<ReadonlyMap<string, readonly PortFact[]>>;
  readonly probeManager: () => Promise<ManagerFacts>;
  readonly now: () => number;
}

const GOSSIP_PORT = 7946;
const RAFT_PORT = 2377;

/** Gathers facts and checks them. Undefined before the first pass. */
export async function diagnose(sources: DoctorSources): Promise<DoctorView | undefined> {
  const status = sources.status();
  if (status === undefined) return undefined;
  const [engine, manager] = await Promise.all([
    sources.engine(status.snapshot.owned.map(({ id }) => id)),
    sources.probeManager(),
  ]);
  const ports = await sources.probePorts(targetsIn(status, engine));
  const facts = toFacts({ ...sources, engine, manager, ports, status, now: sources.now() });
  return { observedAt: new Date(facts.now).toISOString(), results: runChecks(swarmChecks, facts) };
}

/** The controller's own node would answer over another path. */
function targetsIn({ snapshot }: Status, { ownNodeId }: EngineFacts): PortTarget[] {
  return snapshot.nodes
    .filter(({ id, ready, address }) => id !== ownNodeId && ready && address !== undefined && address !== '0.0.0.0')
    .flatMap(({ id, address, role }) =>
      [GOSSIP_PORT, ...(role === 'manager' ? [RAFT_PORT] : [])].map((port) => ({ node: id, address: address!, port })),
    );
}

interface Gathered extends Pick<DoctorSources, 'settings' | 'certificates'> {
  readonly status: Status;
  readonly engine: EngineFacts;
  readonly manager: ManagerFacts;
  readonly ports: ReadonlyMap<string, readonly PortFact[]>;
  readonly now: number;
}

export function toFacts(gathered: Gathered): DoctorFacts {
  const { status, manager, certificates, now } = gathered;
  return {
    now,
    manager,
    nodes: toNodes(gathered),
    clusters: status.desired.clusters.map(({ cluster }) => toCluster(cluster, gathered)),
    objects: toObjects(gathered),
    certificates: certificates().flatMap(({ name, notAfter, source }) =>
      notAfter === null ? [] : [{ name, notAfter: Date.parse(notAfter), isRenewed: source === 'acme' }],
    ),
  };
}

function toNodes({ status, engine, ports }: Gathered): NodeFacts[] {
  const byId = new Map(engine.nodes.map((node) => [node.id, node]));
  const reports = Map.groupBy(engine.reports, ({ nodeId }) => nodeId);
  return status.snapshot.nodes.map(({ id, name, address, role, ready }) => ({
    name,
    address,
    role,
    isReady: ready,
    engine: byId.get(id)?.engine,
    isReachable: byId.get(id)?.isReachable,
    ports: ports.get(id) ?? [],
    clockAheadMs: clockOf(reports.get(id) ?? []),
  }));
}

/** The leader notes a report when it arrives, or another change of the task later. So the report with the least delay is the best one. */
function clockOf(reports: EngineFacts['reports']): number | undefined {
  return reports.length === 0 ? undefined : Math.max(...reports.map(({ ownMs, leaderMs }) => ownMs - leaderMs));
}

function toCluster(cluster: Settings['clusters'][number], { status, settings }: Gathered): ClusterFacts {
  const { name } = cluster;
  const { PublishMode, PublishedPort, PublishedSSLPort } = cluster.settings;
  const { snapshot, outcomes } = status;
  const service = snapshot.owned.find((owned) => owned.role === 'proxy' && owned.cluster === name);
  const names = new Map(snapshot.nodes.map((node) => [node.id, node.name]));
  const tasks = outcomes.find((outcome) => outcome.name === name)?.tasks ?? [];
  const others = { ...settings, clusters: [] };
  return {
    name,
    publishMode: PublishMode,
    hidesAddresses: hidesAddresses(cluster),
    httpPort: PublishedPort,
    httpsPort: PublishedSSLPort,
    replicas: tasks.filter(isUp).map(({ nodeId = '' }) => names.get(nodeId) ?? nodeId),
    eligibleNodes: service === undefined ? 0 : eligibleNodes(snapshot.nodes, service.placement).length,
    conflicts: takenPorts([PublishedPort, PublishedSSLPort], snapshot.services, others),
  };
}

const OWN = /^(?:com\.)?signalbox/;

function toObjects({ engine, settings }: Gathered): DoctorFacts['objects'] {
  const words = new Set(engine.serviceLabels.flatMap(wordsOf));
  const named = JSON.stringify(settings, (_, value) => (value instanceof Map ? [...value] : value));
  return engine.objects
    .filter(({ name, labels }) => !OWN.test(name) && !Object.keys(labels).some((label) => OWN.test(label)))
    .map(({ kind, id, name, createdAt }) => ({
      kind,
      name,
      createdAt,
      isUsed: engine.mounted.has(id) || words.has(name) || named.includes(JSON.stringify(name)),
    }));
}

/** Labels name secrets with or without the prefix of their stack. */
function wordsOf(labels: Readonly<Record<string, string>>): string[] {
  const stack = labels['com.docker.stack.namespace'];
  const words = Object.values(labels).flatMap((value) => value.split(/[\s,]+/));
  return stack === undefined ? words : [...words, ...words.map((word) => `${stack}_${word}`)];
}
