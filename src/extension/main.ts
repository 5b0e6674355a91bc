import { createLogger } from '../lib/logger.ts';
import { giveSignsOfLife } from '../lib/sign-of-life.ts';
import { UnderWay } from '../lib/under-way.ts';
import { untilStopped } from '../lib/until-stopped.ts';
import { extensionPort, extensionSecretTarget, progressFile } from '../model/names.ts';
import type { RenderInput } from '../model/render-input.ts';
import { mountedSecretsFolder } from '../model/secrets/secret-files.ts';
import { checkWithoutSecrets } from '../nginx/check.ts';
import { clusterOf, readIdentity } from '../protocol/identity.ts';
import { type CheckFiles, proveConfiguration } from '../render/prove.ts';
import { readEnvironment } from './environment.ts';
import { Offers } from './offers.ts';
import type { Prove } from './render-requests.ts';
import { createLinkServer } from './server.ts';
import { watchTemplates } from './templates.ts';

/** The extension: renders routes into nginx configuration and tests it with nginx. It has no access to Docker. */
const environment = readEnvironment();
// `-D` is Interlock's debug option.
const logger = createLogger('extension', process.argv.includes('-D') ? 'debug' : environment.logLevel);
const stopped = untilStopped();

const templates = await watchTemplates(environment.templatesPath, logger, stopped);
const identity = await readIdentity(`${mountedSecretsFolder}/${extensionSecretTarget}`);
const render = (input: RenderInput) => templates.render(input);
const renderPart = (input: RenderInput) => templates.renderPart(input);
const tests = new UnderWay();
const check: CheckFiles = (files) => tests.track(() => checkWithoutSecrets(files));
const prove: Prove = (input, trial) =>
  proveConfiguration(input, render, check, trial && { ...trial, render: renderPart });
const cluster = clusterOf(identity);
const offers = new Offers(Date.now);
const server = createLinkServer({ cluster, identity, prove, templates, offers, logger });
server.listen(extensionPort, () => {
  logger.info({ port: extensionPort }, 'Started');
  giveSignsOfLife(progressFile, () => !tests.hangs);
});
stopped.addEventListener('abort', () => {
  server.close(() => logger.info('Stopped'));
  // Held requests would keep the server open.
  server.closeAllConnections();
});
