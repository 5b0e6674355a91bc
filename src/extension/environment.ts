import { z } from 'zod';
import { logLevels } from '../lib/logger.ts';

/** The only module of the extension that reads environment variables. An invalid one stops the process with an error that names it. */
const schema = z.object({
  /** Folder with the templates. Mount your own over it to try them out. */
  SIGNALBOX_TEMPLATES: z.string().default(new URL('../../templates', import.meta.url).pathname),
  SIGNALBOX_LOG_LEVEL: z.enum(logLevels).default('info'),
});

export interface Environment {
  readonly templatesPath: string;
  readonly logLevel: string;
}

export function readEnvironment(): Environment {
  const variables = schema.parse(process.env);
  return { templatesPath: variables.SIGNALBOX_TEMPLATES, logLevel: variables.SIGNALBOX_LOG_LEVEL };
}
