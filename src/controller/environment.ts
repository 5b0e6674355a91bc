import { z } from 'zod';
import { logLevels } from '../lib/logger.ts';
import { adminPort } from '../model/names.ts';
import { LOCAL_REGISTRY } from '../model/settings/clusters.ts';

/**
 * The only module of the controller that reads environment variables. Each has a default; an invalid one
 * stops the process with an error that names it.
 */
const schema = z.object({
  /** Tag of the images that belong to this one. */
  SIGNALBOX_VERSION: z.string().default('0.1.0'),
  /** Registry and path of the images of the extension and the proxies, such as `registry.example.org/signalbox`. */
  SIGNALBOX_REGISTRY: z.string().default(LOCAL_REGISTRY),
  /** ID of the controller's own service; set by Swarm through stack.yml. */
  SIGNALBOX_SERVICE: z.string().default(''),
  /** ID of the controller's own task; set in the same way. */
  SIGNALBOX_TASK: z.string().default(''),
  SIGNALBOX_SETTINGS: z.string().default('/config.toml'),
  SIGNALBOX_ADMIN_PORT: z.coerce.number().int().default(adminPort),
  SIGNALBOX_LOG_LEVEL: z.enum(logLevels).default('info'),
});

export interface Environment {
  readonly release: string;
  readonly registry: string;
  readonly ownService: string;
  readonly ownTask: string;
  readonly settingsPath: string;
  readonly adminPort: number;
  readonly logLevel: string;
}

export function readEnvironment(): Environment {
  const variables = schema.parse(process.env);
  return {
    release: variables.SIGNALBOX_VERSION,
    registry: variables.SIGNALBOX_REGISTRY,
    ownService: variables.SIGNALBOX_SERVICE,
    ownTask: variables.SIGNALBOX_TASK,
    settingsPath: variables.SIGNALBOX_SETTINGS,
    adminPort: variables.SIGNALBOX_ADMIN_PORT,
    logLevel: variables.SIGNALBOX_LOG_LEVEL,
  };
}
