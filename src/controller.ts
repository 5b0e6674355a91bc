import { Administrator } from './admin/administrator.ts';
import { startAdmin } from './admin-page.ts';
import { DockerAdministrationStore } from './docker/administration-store.ts';
import { adoptIdentity } from './docker/adopt-identity.ts';
import { connectDocker } from './docker/connect.ts';
import { watchEvents } from './docker/events.ts';
import { Observer } from './docker/observer.ts';
import { ConfigStore } from './docker/settings-store.ts';
import { DockerSwarm } from './docker/swarm.ts';
import { readEnvironment } from './environment.ts';
import { createLogger } from './lib/logger.ts';
import { FOREVER_MS, sleep } from './lib/sleep.ts';
import { untilStopped } from './lib/until-stopped.ts';
import { LinkClient } from './link/client.ts';
import { createCredentials } from './link/credentials.ts';
import { readAuthority } from './link/identity.ts';
import { adminPasswordTarget, controllerSecretTarget, viewerPasswordTarget } from './model/names.ts';
import type { StoredObject } from './model/snapshot.ts';
import { ownSecrets, readSecret } from './own-secrets.ts';
import { ReconcileLoop } from './reconcile/loop.ts';
import { createReconciler } from './reconcile/reconciler.ts';
import { StatusBoard } from './reconcile/status.ts';
import { loadSettings, readCoreSettings } from './settings-file.ts';

/** The controller: watches the swarm and owns every write to it. */
const environment = readEnvironment();
const logger = createLogger('controller', environment.logLevel);
const stopped = untilStopped();
const now = Date.now;

const { settingsPath, release } = environment;
const docker = connectDocker(await readCoreSettings(settingsPath, release));
const lastGood = new ConfigStore(docker, 'settings');
const { settings, problems: settingsProblems } = await loadSettings(settingsPath, release, lastGood);
const authority = await readAuthority(`/run/secrets/${controllerSecretTarget}`);
const adminPassword = await readSecret(adminPasswordTarget);
const viewerPassword = await readSecret(viewerPasswordTarget);

if (authority === undefined || adminPassword === undefined || viewerPassword === undefined) {
  await adoptIdentity(docker, environment.ownService, ownSecrets(now), logger);
  await sleep(FOREVER_MS, stopped);
} else {
  const observer = new Observer(docker);
  const status = new StatusBoard(logger);
  const swarm = new DockerSwarm(docker, observer);
  const renderer = new LinkClient(authority);
  const credentials = createCredentials(authority, now);
  const trigger = () => loop.trigger();
  const store = new DockerAdministrationStore(docker);
  const applications = () => observer.applications();
  const administrator = new Administrator({ store, settings, applications, status, trigger, now });
  // What is wrong with it shows in every pass; the interface must be there to tell.
  await administrator.load().catch((error) => logger.error({ err: error }, 'Decisions of administrators not read'));
  const administration = (configs: readonly StoredObject[]) => administrator.follow(configs);
  const watched = { settings, settingsProblems, administration };
  const pass = createReconciler({ swarm, renderer, credentials, status, ...watched, logger, now });
  const loop = new ReconcileLoop({ pass, status, logger, holdoffMs: 10, maxHoldoffMs: 500, rollingMs: 500, now });
  const lookAgain = () => {
    observer.forget();
    loop.trigger();
  };
  const onEvent = ({ Type, Actor }: { Type: string; Actor: { ID: string } }) => {
    if (observer.note(Type, Actor.ID)) loop.trigger();
  };
  const resync = setInterval(() => {
    observer.forgetInTime(loop.isAtRest);
    loop.trigger();
  }, settings.core.PollInterval);
  const passwords = { adminPassword, viewerPassword };
  const port = environment.adminPort;
  await startAdmin({ administrator, authority, passwords, status, swarm, port, logger, now }, stopped);
  logger.info({ release, clusters: settings.clusters.map(({ name }) => name) }, 'Started');
  await Promise.all([
    loop.run(stopped),
    watchEvents(docker, { onEvent, onGap: lookAgain }, logger, stopped),
    ...settings.clusters.map(({ name, settings }) =>
      renderer.watch(settings.ServiceName, name, () => loop.trigger(), stopped),
    ),
  ]);
  clearInterval(resync);
}
logger.info('Stopped');
