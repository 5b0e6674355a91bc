import { type Logger, pino, stdTimeFunctions } from 'pino';

export type { Logger };

/** Writes JSON lines to standard output, with times in ISO 8601 (UTC). Secrets are redacted by field name. */
export function createLogger(name: string, level: string): Logger {
  return pino({
    name,
    level,
    timestamp: stdTimeFunctions.isoTime,
    redact: ['*.key', '*.password', '*.secret', '*.token'],
  });
}

export const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const;
