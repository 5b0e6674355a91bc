import { z } from 'zod';
import { logLevels } from '../lib/logger.ts';

/** The only module of this program that reads environment variables. An invalid one stops the process with an error that names it. */
const schema = z.object({
  SIGNALBOX_LOG_LEVEL: z.enum(logLevels).default('info'),
});

export interface Environment {
  readonly logLevel: string;
}

export function readEnvironment(): Environment {
  return { logLevel: schema.parse(process.env).SIGNALBOX_LOG_LEVEL };
}
