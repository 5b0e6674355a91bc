import { existsSync } from 'node:fs';
import { Agent } from './in-place/agent.ts';
import { lastVersionIn } from './in-place/last-version.ts';
import { createPlainLog } from './lib/plain-log.ts';
import { createAgentClient } from './link/agent-client.ts';
import { readIdentity } from './link/identity.ts';
import { extensionPort, metricsTokenPath, proxySecretTarget, versionsFolder } from './model/names.ts';
import { checkWithNginx } from './nginx/check.ts';
import { inspectSecrets } from './nginx/inspect-secrets.ts';
import { NginxRun } from './nginx/run.ts';
import { findStapled } from './nginx/stapling.ts';
import { configPath, readAgentEnvironment } from './proxy-environment.ts';

/** The proxy: nginx, and an agent beside it that brings it new versions. It lives and ends with nginx. */
const environment = readAgentEnvironment();
const logger = createPlainLog('agent');
const ended = new AbortController();
const folder = '/tmp/signalbox';
const nginx = new NginxRun({ command: process.argv.slice(2), mountedPath: configPath(), folder });

// nginx knows what each of them means to it; what arrives before it runs ends the task at once, as nobody is served yet.
for (const name of ['SIGQUIT', 'SIGTERM', 'SIGINT', 'SIGHUP', 'SIGUSR1'] as const) {
  process.on(name, () => {
    if (!nginx.signal(name)) process.exit(0);
    if (name !== 'SIGHUP' && name !== 'SIGUSR1') ended.abort();
  });
}

if (environment === undefined) {
  await nginx.start(undefined, ended.signal);
} else {
  const { cluster, extension, boot, task, reloadIntervalMs } = environment;
  const identity = await readIdentity(`/run/secrets/${proxySecretTarget}`);
  const found = await inspectSecrets('/run/secrets', (name) => name === proxySecretTarget);
  // Hosts answer without stapling, too.
  const secrets = await findStapled(found, checkWithNginx).catch(() => found);
  if (secrets.some(({ stapledWith }) => stapledWith.length > 0)) {
    // Only then, for its memory.
    const { startOcspRelay } = await import('./nginx/ocsp-relay.ts');
    startOcspRelay(secrets, ({ message }) => logger.error({ reason: message }, 'Responders of OCSP are not asked'));
  }
  const offering = createAgentClient({ identity, cluster, service: extension, port: extensionPort });
  const last = lastVersionIn(versionsFolder, boot);
  const agent = new Agent({ task, boot, secrets, nginx, offering, last, reloadIntervalMs, logger });
  if (existsSync(metricsTokenPath)) {
    // Only then, for its memory.
    const { startMetrics } = await import('./proxy-metrics.ts');
    // nginx serves without them, too.
    await startMetrics({ agent, identity, folder, logger }).catch(({ message }: Error) =>
      logger.error({ reason: message }, 'Metrics are not told'),
    );
  }
  await agent.boot(ended.signal);
  void agent.follow(ended.signal);
}
// At once: a look-up of the extension's name, which nothing cuts short, would keep an agent going without its nginx for half a minute.
process.exit(await nginx.exited());
