import { lookup } from 'node:dns/promises';
import { createLogger } from '../lib/logger.ts';
import { untilStopped } from '../lib/until-stopped.ts';
import { adminNetwork, adminPort } from '../model/names.ts';
import { serveRelay } from './relay.ts';

/** The relay: publishes the administrator's page on every manager. It has neither the Docker socket nor secrets. */
const logger = createLogger('admin-relay', 'info');
/** The stack gives the controller's service this alias; controllers that are not ready yet are not in DNS. */
const name = `tasks.controller.${adminNetwork}`;
const controllers = async () => (await lookup(name, { all: true, family: 4 })).map(({ address }) => address);

serveRelay({ port: adminPort, controllers, controllerPort: adminPort }, untilStopped());
logger.info({ port: adminPort, controllers: name }, 'Started');
