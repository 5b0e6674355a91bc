import { label, wholeNumber } from '../labels/label.ts';
import { conflictingLabels } from '../labels/label-problems.ts';
import type { LabelReader } from '../labels/label-reader.ts';
import type { Tls } from '../route.ts';

export const MOST_WEIGHT = 1000;

export const weightLabels = {
  weight: label({
    name: 'weight',
    policy: 'optional',
    type: `whole number up to ${MOST_WEIGHT}`,
    default: '',
    example: '10',
    description:
      'Share of the requests among services with the same host, path and `match`, regardless of their tasks: weights 90 and 10 send every tenth request to the second service. 0 sends none. All of the services must set it; otherwise they share requests in proportion to their tasks. Each request has the labels of its own service only. Services without tasks and under maintenance receive no share. With `sticky_session_cookie` on one of them, a cookie keeps clients at the service that they reached first; with `ip_hash`, the address decides.',
    schema: wholeNumber(0, MOST_WEIGHT),
  }),
} as const;

export function readWeight(reader: LabelReader, tls: Tls): number | undefined {
  const weight = reader.read(weightLabels.weight);
  if (weight === undefined || tls.kind !== 'passthrough') return weight;
  reader.note(
    weightLabels.weight,
    conflictingLabels('has no effect with ssl_passthrough', 'Remove one of the two labels.'),
  );
  return undefined;
}
