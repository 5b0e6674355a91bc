import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { createPlainLog } from '../lib/plain-log.ts';
import { giveSignsOfLife } from '../lib/sign-of-life.ts';
import { aliveFile, extensionPort, metricsTokenPath, proxySecretTarget, versionsFolder } from '../model/names.ts';
import { mountedSecretsFolder, secretsFolder } from '../model/secrets/secret-files.ts';
import type { StoredVersion } from '../model/version.ts';
import { versionFault } from '../model/version-digest.ts';
import { filesFault } from '../nginx-text/check-text.ts';
import { decodePermissions } from '../nginx-text/permissions.ts';
import { readIdentity, readSecretsKey } from '../protocol/identity.ts';
import { sealFault } from '../protocol/seal.ts';
import { Agent } from './agent.ts';
import { createAgentClient } from './agent-client.ts';
import { ConnectionWatch } from './backends/connection-watch.ts';
import { NginxErrors, withErrorLog } from './backends/nginx-errors.ts';
import { tryConnection } from './backends/try-connection.ts';
import { configPath, readAgentEnvironment } from './environment.ts';
import { lastVersionIn } from './last-version.ts';
import { configurationsIn } from './nginx/configurations.ts';
import { ciphersOf } from './nginx/confirm-pairs.ts';
import { DnsClient } from './nginx/dns-client.ts';
import { NameWatch } from './nginx/name-watch.ts';
import { agentLogs, RequestLog } from './nginx/request-log.ts';
import { NginxRun } from './nginx/run.ts';
import { prepareAuthorities, SecretStore } from './nginx/secret-store.ts';
import { type NameInUse, readServersInUse } from './nginx/servers-in-use.ts';
import type { BriefVersion } from './ports.ts';
import { TrafficReporter } from './report-traffic.ts';
import type { ProxyMetricsOptions } from './serve-metrics.ts';
import { type Responders, TaskSecrets } from './task-secrets.ts';
import { startTraffic } from './traffic.ts';

/** The proxy: nginx, and an agent that loads new versions into it. The agent ends with nginx. */
const environment = readAgentEnvironment();
const logger = createPlainLog('agent');
const ended = new AbortController();
/** For the requests since the last report, when nginx has ended. */
const LAST_REPORT_MS = 1000;
const folder = '/tmp/signalbox';
const ERRORS_INTERVAL_MS = 1000;
const permissions = decodePermissions(environment?.allowedText);
const textFault = (files: BriefVersion['files']) => {
  const fault = filesFault(files, permissions);
  return fault && `The version is not allowed: ${fault}`;
};
const faultOf = (version: string, files: BriefVersion['files']) =>
  versionFault(environment?.cluster ?? '', version, files) ?? textFault(files);
const identity = environment && (await readIdentity(`${mountedSecretsFolder}/${proxySecretTarget}`));
const sealFaultOf = ({ version, files, seal }: StoredVersion, hashes: readonly string[]) => {
  const hashed = files.map(({ path }, position) => ({ path, hash: hashes[position]! }));
  const { boot, cluster } = environment!;
  return sealFault(identity!.ca, cluster, { boot, version, files: hashed }, seal);
};
const secrets = new TaskSecrets({
  isOurs: (name) => name === proxySecretTarget,
  ciphers: ciphersOf(await readFile(configPath(), 'utf8').catch(() => '')),
  onUnreported: (names) => logger.warn({ unreported: names.slice(0, 20) }, 'Too many secrets to report'),
  serveResponders,
});
const privateKey = environment && (await readSecretsKey(`${mountedSecretsFolder}/${proxySecretTarget}`));
const store =
  environment &&
  privateKey &&
  new SecretStore({
    folder: secretsFolder,
    cluster: environment.cluster,
    privateKey,
    prepare: async (names) => {
      await prepareAuthorities(secretsFolder, names);
      // nginx need not wait for it.
      void secrets.inspect();
    },
    onFailure: (file, { message }) => logger.error({ file, reason: message }, 'Failed to decrypt secret'),
  });
let ocspResponders: Map<string, string> | undefined;
let nameRelay: Promise<void> | undefined;
const backends = new ConnectionWatch({ connect: tryConnection, now: () => performance.now() });
const errorLogPath = `${folder}/${agentLogs.nginxErrors}`;
const command = process.argv.slice(2);
const nginx = new NginxRun({
  command: environment === undefined ? command : withErrorLog(command, errorLogPath),
  mountedPath: configPath(),
  folder,
  faultOf,
  sealFaultOf,
  secrets: store || undefined,
  startNameRelay,
});

// Signals are forwarded to nginx. A signal that arrives before nginx runs ends the task at once, because no clients are served yet.
for (const name of ['SIGQUIT', 'SIGTERM', 'SIGINT', 'SIGHUP', 'SIGUSR1'] as const) {
  process.on(name, () => {
    if (!nginx.signal(name)) process.exit(0);
    if (name !== 'SIGHUP' && name !== 'SIGUSR1') ended.abort();
  });
}

async function serveResponders(responders: Responders): Promise<void> {
  const isServed = ocspResponders !== undefined;
  ocspResponders ??= new Map();
  for (const [secret, url] of responders) ocspResponders.set(secret, url);
  if (isServed) return;
  // Loaded only if needed, to save memory.
  const { startOcspRelay } = await import('./nginx/ocsp-relay.ts');
  startOcspRelay(ocspResponders, ({ message }) => logger.error({ reason: message }, 'OCSP relay failed'));
}

/** Loaded only if it is needed, to save memory. */
async function loadNameRelay(): Promise<void> {
  const { NameRelay } = await import('./nginx/name-relay.ts');
  await NameRelay.start();
}

/** If it fails, nginx still serves all other routes, and the next reload tries again. */
async function startNameRelay(): Promise<void> {
  nameRelay ??= loadNameRelay().catch(({ message }: Error) => {
    nameRelay = undefined;
    logger.error({ reason: message }, 'Name relay failed to start: names with upper-case letters cannot be resolved');
  });
  await nameRelay;
}

let inUse: { readonly folder: string; readonly names: readonly NameInUse[] } | undefined;

/** Read from the disk once for each version: the texts of thousands of services take megabytes. */
async function readNames(): Promise<readonly NameInUse[]> {
  const folder = await nginx.servedFolder();
  if (inUse?.folder === folder) return inUse.names;
  const { names, ports } = await readServersInUse(configurationsIn(folder));
  inUse = { folder, names };
  backends.use(ports);
  return names;
}

/** The server is loaded only if needed, to save memory. */
async function startMetrics(options: ProxyMetricsOptions): Promise<void> {
  const subnets = environment?.metricsSubnets ?? [];
  if (existsSync(metricsTokenPath)) await (await import('./serve-metrics.ts')).serveWithToken(options);
  else if (subnets.length > 0) (await import('./serve-metrics.ts')).serveOnNetwork(options, subnets);
}

let reporter: TrafficReporter | undefined;

if (environment === undefined || identity === undefined) {
  await nginx.start(undefined, ended.signal);
} else {
  const { cluster, extension, extensionAddress: address, boot, task, reloadIntervalMs } = environment;
  await secrets.inspect();
  const offering = createAgentClient({ identity, cluster, service: extension, address, port: extensionPort });
  const last = lastVersionIn(versionsFolder, boot);
  const dns = new DnsClient();
  const onAddresses = (name: string, addresses: readonly number[]) => backends.resolved(name, addresses);
  const names = new NameWatch({
    read: readNames,
    query: (name) => dns.query(name),
    now: () => performance.now(),
    onAddresses,
  });
  const agent = new Agent({
    task,
    boot,
    secrets,
    nginx,
    textFault,
    offering,
    last,
    names,
    backends,
    reloadIntervalMs,
    logger,
  });
  // nginx also runs without counting its requests.
  const traffic = await startTraffic(folder).catch(({ message }: Error) => {
    logger.error({ reason: message }, 'Requests are not counted');
    return undefined;
  });
  if (traffic) {
    await startMetrics({ agent, identity, traffic, logger }).catch(({ message }: Error) =>
      logger.error({ reason: message }, 'Metrics server failed to start'),
    );
  }
  await mkdir(folder, { recursive: true });
  const errors = new RequestLog(errorLogPath, new NginxErrors((address, port) => backends.suspect(address, port)));
  setInterval(() => errors.read(), ERRORS_INTERVAL_MS).unref();
  await agent.boot(ended.signal);
  giveSignsOfLife(aliveFile);
  void names.run(ended.signal);
  void backends.run(ended.signal);
  void agent.follow(ended.signal);
  reporter = traffic && new TrafficReporter({ task, receiver: offering, take: traffic.take });
  void reporter?.run(ended.signal);
}
const code = await nginx.exited();
await reporter?.report(AbortSignal.timeout(LAST_REPORT_MS));
// Exits immediately: a pending DNS query for the extension's name cannot be canceled and would keep the agent alive for half a minute.
process.exit(code);
