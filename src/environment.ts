import { z } from 'zod';
import { adminPort } from './model/names.ts';

/** The only reader of the environment. Every variable with its default; a bad one stops the process with its name. */
const schema = z.object({
  /** Tag of the images that belong to this one. */
  SIGNALBOX_VERSION: z.string().default('0.1.0'),
  /** Id of the controller's own service; stack.yml has Swarm fill it in. */
  SIGNALBOX_SERVICE: z.string().default(''),
  /** Id of the controller's own task; the same. */
  SIGNALBOX_TASK: z.string().default(''),
  SIGNALBOX_SETTINGS: z.string().default('/config.toml'),
  /** Folder with the templates of the extension; mount yours over it to try them out. */
  SIGNALBOX_TEMPLATES: z.string().default(new URL('../templates', import.meta.url).pathname),
  SIGNALBOX_ADMIN_PORT: z.coerce.number().int().default(adminPort),
  SIGNALBOX_LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace']).default('info'),
});

export interface Environment {
  readonly release: string;
  readonly ownService: string;
  readonly ownTask: string;
  readonly settingsPath: string;
  readonly templatesPath: string;
  readonly adminPort: number;
  readonly logLevel: string;
}

export function readEnvironment(): Environment {
  const variables = schema.parse(process.env);
  return {
    release: variables.SIGNALBOX_VERSION,
    ownService: variables.SIGNALBOX_SERVICE,
    ownTask: variables.SIGNALBOX_TASK,
    settingsPath: variables.SIGNALBOX_SETTINGS,
    templatesPath: variables.SIGNALBOX_TEMPLATES,
    adminPort: variables.SIGNALBOX_ADMIN_PORT,
    logLevel: variables.SIGNALBOX_LOG_LEVEL,
  };
}
