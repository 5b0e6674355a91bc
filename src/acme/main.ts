import { createLogger } from '../lib/logger.ts';
import { giveSignsOfLife } from '../lib/sign-of-life.ts';
import { untilStopped } from '../lib/until-stopped.ts';
import { acmePort, acmeSecretTarget, progressFile } from '../model/names.ts';
import { mountedSecretsFolder } from '../model/secrets/secret-files.ts';
import { readIdentity } from '../protocol/identity.ts';
import { readEnvironment } from './environment.ts';
import { lookUp } from './lookup.ts';
import { order } from './order.ts';
import { renewalInfo } from './renewal-info.ts';
import { createAcmeServer } from './server.ts';

/** Orders certificates for the controller. It has no access to Docker. */
const logger = createLogger('acme', readEnvironment().logLevel);
const stopped = untilStopped();

const surroundings = { secrets: mountedSecretsFolder, temporary: '/tmp' };
const identity = await readIdentity(`${surroundings.secrets}/${acmeSecretTarget}`);
const server = createAcmeServer({
  identity,
  order: (request) => order(request, surroundings),
  renewalInfo: (request) => renewalInfo(request, surroundings.secrets),
  lookUp: (request) => lookUp(request, surroundings.secrets),
  logger,
});
server.listen(acmePort, () => {
  logger.info({ port: acmePort }, 'Started');
  giveSignsOfLife(progressFile, () => true);
});
stopped.addEventListener('abort', () => {
  server.close(() => logger.info('Stopped'));
  server.closeAllConnections();
});
