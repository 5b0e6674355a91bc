import { type Logger, pino } from 'pino';

export type { Logger };

/** Writes JSON lines to standard output. Secrets are redacted by field name. */
export function createLogger(name: string, level: string): Logger {
  return pino({ name, level, redact: ['*.key', '*.password', '*.secret', '*.token'] });
}

export const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const;
