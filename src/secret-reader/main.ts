import { createLogger } from '../lib/logger.ts';
import { untilStopped } from '../lib/until-stopped.ts';
import { readerPort, readerSecretTarget } from '../model/names.ts';
import { mountedSecretsFolder } from '../model/secrets/secret-files.ts';
import { readIdentity } from '../protocol/identity.ts';
import { readEnvironment } from './environment.ts';
import { readSecrets } from './read-secrets.ts';
import { createReaderServer } from './server.ts';

/** The controller removes the job once it has the answer. Without a controller, the job ends after this time. */
const MOST_LIFE_MS = 120_000;

const { secrets: wanted, ...recipient } = readEnvironment();
const logger = createLogger('secret-reader', 'info');
const identity = await readIdentity(`${mountedSecretsFolder}/${readerSecretTarget}`);
const secrets = await readSecrets(mountedSecretsFolder, wanted, recipient);
const onFailure = (error: Error) => logger.warn({ err: error }, 'Request failed');
const server = createReaderServer({ identity, secrets, onFailure });
server.listen(readerPort, () => logger.info({ cluster: recipient.cluster, secrets: secrets.length }, 'Read secrets'));
AbortSignal.any([untilStopped(), AbortSignal.timeout(MOST_LIFE_MS)]).addEventListener('abort', () => {
  server.close();
  server.closeAllConnections();
});
