import { createLogger } from '../lib/logger.ts';
import { giveSignsOfLife } from '../lib/sign-of-life.ts';
import { FOREVER_MS, sleep } from '../lib/sleep.ts';
import { UnderWay } from '../lib/under-way.ts';
import { untilStopped } from '../lib/until-stopped.ts';
import {
  adminNetwork,
  adminPasswordTarget,
  controllerSecretTarget,
  controlNetwork,
  progressFile,
  viewerPasswordTarget,
} from '../model/names.ts';
import { mountedSecretsFolder } from '../model/secrets/secret-files.ts';
import type { StoredObject } from '../model/snapshot.ts';
import { readAuthority } from '../protocol/identity.ts';
import { InternalCa } from '../protocol/internal-ca.ts';
import { AcmeTask } from './acme/acme-task.ts';
import { ControlAcmeClient } from './acme/client.ts';
import { StateBook } from './acme/state-book.ts';
import { Administrator } from './admin/administrator.ts';
import { startAdmin } from './admin-page.ts';
import { createCredentials } from './credentials.ts';
import { DockerAcmeServiceStore } from './docker/acme-service-store.ts';
import { DockerAdministrationStore } from './docker/administration-store.ts';
import { adoptIdentity, existingSecrets, restoreIdentity } from './docker/adopt-identity.ts';
import { connectDocker } from './docker/connect.ts';
import { watchEvents } from './docker/events.ts';
import { networkSubnets } from './docker/network-subnets.ts';
import { Observer } from './docker/observer.ts';
import { ConfigStore } from './docker/settings-store.ts';
import { Succession } from './docker/succession.ts';
import { DockerSwarm } from './docker/swarm.ts';
import { readEnvironment } from './environment.ts';
import { LinkClient } from './extension-client.ts';
import { BackendBook } from './observe/backend-book.ts';
import { namedSecrets, ownSecrets, readNamedSecret, readSecret, unmounted } from './own-secrets.ts';
import { ReaderClient } from './reader-client.ts';
import { ReconcileLoop } from './reconcile/loop.ts';
import { PlanPreview } from './reconcile/preview.ts';
import { createReconciler, type Pass } from './reconcile/reconciler.ts';
import { StatusBoard } from './reconcile/status.ts';
import { readRegistrySecret } from './registry.ts';
import { RenewedIdentity } from './renewed-identity.ts';
import { loadSettings, readCoreSettings } from './settings-file.ts';
import { readSignIn } from './sign-in.ts';
import { startTraffic } from './traffic/setup.ts';
import { readWebhooks } from './webhooks/setup.ts';
import { Webhook } from './webhooks/webhook.ts';

/** The controller: watches the swarm and makes all writes to it. */
const environment = readEnvironment();
const logger = createLogger('controller', environment.logLevel);
const stopped = untilStopped();
const now = Date.now;

const { settingsPath, release, registry } = environment;
const images = { registry, release };
const docker = connectDocker(await readCoreSettings(settingsPath, images));
const lastGood = new ConfigStore(docker, 'settings');
const { settings, problems: settingsProblems, kept } = await loadSettings(settingsPath, images, lastGood);
const authority = await readAuthority(`${mountedSecretsFolder}/${controllerSecretTarget}`);
const adminPassword = await readSecret(adminPasswordTarget);
const viewerPassword = await readSecret(viewerPasswordTarget);
const required = ownSecrets(now);
const named = namedSecrets(settings);
const attachable = await existingSecrets(docker, await unmounted(named));

if (authority === undefined || adminPassword === undefined || viewerPassword === undefined || attachable.length > 0) {
  await adoptIdentity(docker, environment.ownService, [...required, ...named], logger);
  await sleep(FOREVER_MS, stopped);
} else {
  const observer = new Observer(docker, environment.ownService);
  const status = new StatusBoard(logger);
  const pulling = await readRegistrySecret(settings.core);
  const swarm = new DockerSwarm(docker, observer, pulling.credentialsFor);
  const identity = await RenewedIdentity.issue(authority, now);
  const renderer = new LinkClient(identity.current);
  const credentials = createCredentials(authority, now);
  const trigger = () => loop.trigger();
  const store = new DockerAdministrationStore(docker);
  const applications = () => observer.applications();
  const administrator = new Administrator({ store, settings, applications, status, trigger, now });
  // Errors repeat in every pass. The interface must be available to show them.
  await administrator.load().catch((error) => logger.error({ err: error }, "Administrators' decisions not loaded"));
  const administration = async (configs: readonly StoredObject[]) => {
    if (kept !== undefined) await lastGood.restore(kept, configs);
    return administrator.follow(configs);
  };
  const signIn = await readSignIn(settings, now);
  const internalCa = await InternalCa.derive(authority);
  const acme = new AcmeTask({
    client: new ControlAcmeClient(() => identity.current),
    services: new DockerAcmeServiceStore(docker, pulling.credentialsFor),
    book: new StateBook(new DockerAdministrationStore(docker, 'acme')),
    image: `${registry}/acme:${release}`,
    issuers: settings.issuers,
    internalCa,
    onChange: trigger,
    ...{ swarm, status, authority, logger, now },
  });
  const receivers = await readWebhooks(settings.webhooks, readNamedSecret);
  const watched = {
    settings,
    certificateProblems: () => acme.problems,
    settingsProblems: [...settingsProblems, ...signIn.problems, ...pulling.problems, ...receivers.problems],
    administration,
  };
  const underWay = new UnderWay();
  const preview = new PlanPreview(renderer, now);
  const reported = { status, logger, underWay, preview };
  const secretReader = new ReaderClient(() => identity.current);
  const backendBook = new BackendBook({ swarm, renderer, now });
  const reconcile = createReconciler({
    swarm,
    renderer,
    credentials,
    secretReader,
    ...reported,
    ...watched,
    backendBook,
    now,
    onLate: trigger,
  });
  const succession = new Succession(docker, environment.ownService, environment.ownTask);
  const pass: Pass = async (...circumstances) =>
    // Swarm has no events for tasks, so a waiting controller polls as during a roll-out.
    (await succession.decides()) ? reconcile(...circumstances) : { rolling: true };
  const loop = new ReconcileLoop({ pass, status, logger, holdoffMs: 10, maxHoldoffMs: 500, rollingMs: 500, now });
  const restore = () => {
    restoreIdentity(docker, environment.ownService, { required, named }, logger).catch((error) =>
      logger.error({ err: error }, 'Secrets not attached to the controller service'),
    );
  };
  const lookAgain = () => {
    succession.note();
    restore();
    observer.forget();
    loop.trigger();
  };
  const onEvent = ({ Type, Actor }: { Type: string; Actor: { ID: string } }) => {
    if (Type === 'service' && Actor.ID === environment.ownService) {
      succession.note();
      restore();
    }
    if (Type === 'service') backendBook.note(Actor.ID);
    if (observer.note(Type, Actor.ID)) loop.trigger();
  };
  const renew = async () => {
    if (!(await identity.renew())) return;
    renderer.useIdentity(identity.current);
    logger.info('Renewed controller certificate');
  };
  const resync = setInterval(() => {
    renew().catch((error) => logger.error({ err: error }, 'Controller certificate not renewed'));
    observer.forgetInTime(loop.isAtRest);
    loop.trigger();
  }, settings.core.PollInterval);
  const passwords = { adminPassword, viewerPassword };
  const port = environment.adminPort;
  const [closedTo, relayedFrom] = await Promise.all([
    networkSubnets(docker, controlNetwork),
    networkSubnets(docker, adminNetwork),
  ]);
  const published = { port, closedTo, relayedFrom };
  const { clusters } = settings;
  const traffic = startTraffic({ identity: () => identity.current, status, swarm, clusters, now }, stopped);
  await startAdmin(
    {
      administrator,
      authority,
      passwords,
      signIn,
      status,
      preview,
      acme,
      internalCa,
      settings,
      swarm,
      traffic,
      ...published,
      logger,
      now,
    },
    stopped,
  );
  // Swarm stops the previous controller once this one is healthy, so this one must be ready to work.
  await observer.observe().catch((error) => logger.error({ err: error }, 'Swarm not observed'));
  logger.info({ release, clusters: settings.clusters.map(({ name }) => name) }, 'Started');
  giveSignsOfLife(progressFile, () => !underWay.hangs);
  await Promise.all([
    loop.run(stopped),
    acme.run(stopped),
    observer.watchTasks(trigger, stopped),
    backendBook.run(trigger, stopped),
    ...receivers.webhooks.map((receiver) => new Webhook({ ...receiver, status, logger, now }).run(stopped)),
    watchEvents(docker, { onEvent, onGap: lookAgain }, logger, stopped),
    ...settings.clusters.map(({ name, settings }) =>
      renderer.watch(settings.ServiceName, name, () => loop.trigger(), stopped),
    ),
  ]);
  clearInterval(resync);
}
logger.info('Stopped');
