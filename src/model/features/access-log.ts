import { z } from 'zod';
import { boolean, label } from '../labels/label.ts';
import { feature } from './feature.ts';

const choices = ['all', 'errors', 'none'] as const;

const access_log = label<(typeof choices)[number]>({
  name: 'access_log',
  policy: 'optional',
  type: '`true`, `false` or `errors`',
  default: 'true',
  example: 'errors',
  description:
    'Whether requests are in the access log: all (`true`), none (`false`), or only responses with a status from 400 and failed gRPC calls (`errors`). Metrics count all requests. See [logging](logging.md).',
  schema: z
    .string()
    .trim()
    .toLowerCase()
    .transform((value, context) => {
      if (value === 'errors') return value;
      const { data, success } = boolean.safeParse(value);
      if (success) return data ? 'all' : 'none';
      context.addIssue('is none of true, false, errors');
      return z.NEVER;
    }),
});

const EXPLAINED = {
  all: undefined,
  errors: 'Only responses with a status from 400, and failed gRPC calls, are in the access log.',
  none: 'Requests are not in the access log.',
} as const;

export const accessLog = feature({
  labels: { access_log },
  read: (reader) => reader.read(access_log),
  message: z.enum(choices),
  conflict: 'access_log',
  stage: 'log',
  explain: (choice) => ({ access_log: EXPLAINED[choice] }),
  bytes: () => 60,
  isFirst: true,
  partial: 'access-log',
  checks: true,
  view: (choice) => (choice === 'all' ? undefined : { choice }),
});
