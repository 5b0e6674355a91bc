import { z } from 'zod';
import { listed } from '../../lib/words.ts';
import { label, splitList } from '../labels/label.ts';
import { ineffectiveLabel } from '../labels/label-problems.ts';
import { shownValue } from '../problem.ts';
import { feature } from './feature.ts';

const STATUSES = ['429', '500', '502', '503', '504'] as const;
type Status = (typeof STATUSES)[number];

const isStatus = (text: string): text is Status => (STATUSES as readonly string[]).includes(text);

const retriesLabel = label({
  name: 'retries',
  policy: 'optional',
  type: '`off`, or a list of 429, 500, 502, 503 and 504, separated by commas',
  default: '',
  example: '502,503',
  description:
    'Also tries another task, up to three in total, if a task answers with one of these statuses, for GET, HEAD, PUT, DELETE and OPTIONS with a body that fits into `ClientBodyBufferSize`. These answers count as failures for `max_fails`. By default, only connection errors and timeouts lead to another task. `off`: a request that may have reached a task is never sent to another, whatever its method. POST and PATCH requests never are.',
  schema: z
    .string()
    .trim()
    .transform((value, context): readonly Status[] => {
      if (value === 'off') return [];
      const statuses = splitList(value);
      const wrong = statuses.find((status) => !isStatus(status));
      if (wrong !== undefined) context.addIssue(`contains ${shownValue(wrong)}, which cannot be retried`);
      if (statuses.length === 0) context.addIssue('is empty');
      return [...new Set(statuses.filter(isStatus))].toSorted();
    }),
});

/** Statuses that lead to another task; an empty list turns off retries that repeat anything. */
export const retries = feature({
  labels: { retries: retriesLabel },
  read(reader, { isGrpc }): readonly Status[] | undefined {
    const statuses = reader.read(retriesLabel);
    if (statuses === undefined || !isGrpc) return statuses;
    reader.note(
      retriesLabel,
      ineffectiveLabel('has no effect: gRPC calls are not repeated once they are sent', 'Remove it.'),
    );
    return undefined;
  },
  message: z.array(z.enum(STATUSES)).max(STATUSES.length),
  conflict: 'retries',
  stage: 'service',
  explain: (statuses) => ({
    retries:
      statuses.length === 0
        ? 'A request that may have reached a task is never sent to another.'
        : `If a task answers ${listed(statuses, 'or')}, up to two other tasks are tried, for GET, HEAD, PUT, DELETE and OPTIONS.`,
  }),
  bytes: () => 80,
  partial: 'retries',
  view: (statuses) => ({
    cases: statuses.length === 0 ? 'off' : `error timeout ${statuses.map((status) => `http_${status}`).join(' ')}`,
  }),
});
