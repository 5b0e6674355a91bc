import { type RequestDetails, readDetails } from '../model/explain/details.ts';
import type { Options, Values } from './command.ts';
import { UsageError } from './io.ts';

/** What the explained request has besides its URL. */
export const detailOptions = {
  method: { type: 'string', value: 'method', description: 'Method of the request. Default: GET.' },
  header: {
    type: 'string',
    value: 'header',
    repeatable: true,
    description: 'A header of the request, such as `X-Beta: yes`. Repeatable.',
  },
  cookie: {
    type: 'string',
    value: 'cookie',
    repeatable: true,
    description: 'A cookie of the request, such as `group=b`. Repeatable.',
  },
} as const satisfies Options;

type DetailValues = Values<typeof detailOptions>;

/** Throws a UsageError if one of them is invalid. */
export function detailsOf(url: string, { method, header, cookie }: DetailValues): RequestDetails {
  const details = readDetails(url, { method, headers: header, cookies: cookie });
  if (typeof details === 'string') throw new UsageError(details);
  return details;
}

/** The same for the API. */
export function detailParameters({ method, header = [], cookie = [] }: DetailValues): [name: string, value: string][] {
  return [
    ...(method === undefined ? [] : [['method', method] as [string, string]]),
    ...header.map((text): [string, string] => ['header', text]),
    ...cookie.map((text): [string, string] => ['cookie', text]),
  ];
}
