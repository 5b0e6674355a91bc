import { z } from 'zod';
import { family } from '../labels/label.ts';
import { shownValue } from '../problem.ts';
import { isProxyHeader, MOST_DASHES, withUnderscores } from '../proxy-headers.ts';
import { explainEach } from './explain-each.ts';
import { type ClusterFacts, feature } from './feature.ts';

/** Request headers that the proxy sets or removes. */
interface RequestHeaders {
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Other spellings of these headers, with underscores, are removed. */
  readonly acceptsUnderscores?: true | undefined;
}

/** nginx inherits no request header if a location sets one: such a location repeats all of them. */
export const REPEATED_BYTES = 3300;
export const REPEATED_BYTES_WITH_UNDERSCORES = 16_000;

/** Bytes of the headers that a location with a request header of its own repeats. */
export function repeatedBytes(acceptsUnderscores?: true): number {
  return acceptsUnderscores ? REPEATED_BYTES_WITH_UNDERSCORES : REPEATED_BYTES;
}

/** For values of features: whether there are other spellings of headers. */
export function spellings(cluster: ClusterFacts | undefined): { readonly acceptsUnderscores?: true } {
  return cluster?.acceptsUnderscores ? { acceptsUnderscores: true } : {};
}

const MOST_HEADERS = 32;
const NAME = /^[A-Za-z0-9-]{1,64}$/;
const VALUE = /^[\x20-\x7e]{0,1024}$/;

const requestHeader = family({
  name: 'request_header.<Name>',
  exampleName: 'X-Tenant',
  policy: 'required',
  type: 'text',
  default: '',
  example: 'acme',
  description:
    "Sets this header in requests to the service, instead of the client's own header. An empty value removes the header. Headers about the connection, the client's address and its identity are rejected. Labels are not secret: everyone with access to Docker can read them.",
  nameFault(name) {
    if (!NAME.test(name)) return 'does not end in the name of a header: letters, digits and dashes';
    if (/^host$/i.test(name)) return 'has a label of its own: upstream_host';
    return isProxyHeader(name) ? 'names a header that the proxy controls' : undefined;
  },
  schema: z.string().trim().regex(VALUE, 'is longer than 1024 characters, or contains others than printable ASCII'),
});

export const requestHeaders = feature({
  labels: {},
  families: [requestHeader],
  read(reader, { cluster }): RequestHeaders | undefined {
    const headers = reader.readEach(requestHeader);
    if (headers.length === 0) return undefined;
    if (headers.length > MOST_HEADERS)
      reader.refuse(requestHeader, `sets more than ${MOST_HEADERS} headers`, 'Remove some of the labels.');
    const kept = headers.slice(0, MOST_HEADERS);
    if (!cluster?.acceptsUnderscores) return { headers: kept };
    const long = kept.find(([name]) => name.split('-').length - 1 > MOST_DASHES);
    if (long === undefined) return { headers: kept, acceptsUnderscores: true };
    const definition = { ...requestHeader, name: `request_header.${long[0]}` };
    const reason = `has more than ${MOST_DASHES} dashes: with UnderscoresInHeaders, it has too many spellings`;
    reader.refuse(definition, reason, 'Choose another name.');
    return undefined;
  },
  message: z.object({
    headers: z.array(z.tuple([z.string().regex(NAME), z.string().regex(VALUE)])).max(MOST_HEADERS),
    acceptsUnderscores: z.literal(true).optional(),
  }),
  conflict: 'request_header.<Name>',
  stage: 'request',
  explain: ({ headers }) =>
    explainEach(requestHeader, headers, (name, value) =>
      value === ''
        ? `The service does not receive ${name}.`
        : `The service receives ${name} with the value "${shownValue(value)}".`,
    ),
  bytes({ headers, acceptsUnderscores }) {
    const spellings = acceptsUnderscores ? headers.flatMap(([name]) => withUnderscores(name)) : [];
    const repeated = acceptsUnderscores ? REPEATED_BYTES_WITH_UNDERSCORES : REPEATED_BYTES;
    return (
      headers.reduce((sum, [name, value]) => sum + name.length + quotedLength(value) + 50, repeated) +
      spellings.reduce((sum, name) => sum + name.length + 50, 0)
    );
  },
  usesDollar: ({ headers }) => headers.some(([, value]) => value.includes('$')),
  requestHeaders: ({ headers }) => headers.map(([name, text]) => ({ name, text })),
});

/** `$` becomes `${dollar}`, and some characters are escaped. */
const WRITTEN_LENGTHS: Readonly<Record<string, number>> = { $: 9, '"': 2, '\\': 2 };

function quotedLength(value: string): number {
  return [...value].reduce((sum, character) => sum + (WRITTEN_LENGTHS[character] ?? 1), 0);
}
