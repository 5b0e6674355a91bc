import { lookup } from 'node:dns/promises';
import type { DoctorView } from '../controller/admin/doctor.ts';
import type { State } from '../controller/admin/state.ts';
import { Limiter } from '../lib/limiter.ts';
import { type CheckResult, type Finding, runChecks } from '../model/doctor/check.ts';
import { type LocalFacts, localChecks } from '../model/doctor/from-here.ts';
import { Api, apiOptions } from './api.ts';
import { defineCommand } from './command.ts';
import { severityStyles } from './findings.ts';
import { exitCodes, type Io, paint, writeJson } from './io.ts';

/** Hosts that are resolved. */
const MOST_HOSTS = 200;
/** At the same time. */
const MOST_LOOKUPS = 16;
const LOOKUP_MS = 5000;

export const doctor = defineCommand({
  name: 'doctor',
  usage: '',
  summary: 'Check the swarm for causes of trouble: each finding with its reason and fix.',
  details:
    'The controller checks nodes, engines, ports between nodes, clocks, replicas, published ports, client addresses, certificates, unused secrets, and the disk and kernel of its manager. This machine checks its clock and whether DNS knows the hosts of routes. Checks that nobody can make without privileges are listed in docs/administration.md. Requires the role operator. Exits with 1 if there is an error.',
  examples: ['signalbox doctor', 'signalbox doctor --json'],
  options: {
    'skip-dns': { type: 'boolean', description: 'Do not resolve the hosts of routes.' },
    ...apiOptions,
  },
  async run(values, _, io) {
    const api = await Api.connect(values, io);
    const { observedAt, results } = (await api.call('GET', '/api/doctor')) as DoctorView;
    const clockAheadMs = Date.now() - Date.parse(observedAt);
    const hosts = values['skip-dns'] ? [] : await resolveHosts(await api.state());
    const all = [...results, ...runChecks(localChecks, { clockAheadMs, hosts })];
    if (values.json) writeJson(io, all);
    else for (const result of all) io.out(describeResult(result, io));
    const isBad = all.some(({ findings }) => findings.some(({ severity }) => severity === 'error'));
    return isBad ? exitCodes.found : exitCodes.done;
  },
});

async function resolveHosts({ routes, streams = [] }: State): Promise<LocalFacts['hosts']> {
  const names = [...routes.map(({ host }) => host), ...streams.flatMap(({ host }) => host ?? [])];
  // Wildcards and expressions have no address of their own.
  const chosen = [...new Set(names)].filter((name) => /^[\w-]+(?:\.[\w-]+)+$/.test(name)).slice(0, MOST_HOSTS);
  const lookups = new Limiter(MOST_LOOKUPS, MOST_HOSTS);
  const found = await Promise.all(
    chosen.map((host) => lookups.run(async () => ({ host, isFound: await isFound(host) }))!),
  );
  return found.toSorted((a, b) => (a.host < b.host ? -1 : 1));
}

function isFound(host: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => resolve(false), LOOKUP_MS);
  lookup(host).then(
    () => resolve(true),
    () => resolve(false),
  );
  return promise.finally(() => clearTimeout(timer));
}

function describeResult({ title, status, findings }: CheckResult, io: Io): string {
  if (status === 'ok') return `${paint(io, 'green', '✔')} ${title}\n`;
  if (status === 'unknown') return `${paint(io, 'dim', `? ${title}: not visible from here`)}\n`;
  return findings.map((finding) => describeFinding(finding, io)).join('');
}

function describeFinding({ severity, what, why, fix }: Finding, io: Io): string {
  return `${paint(io, severityStyles[severity], `✘ ${severity}:`)} ${what}\n    ${why}\n    Fix: ${fix}\n`;
}
