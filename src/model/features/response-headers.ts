import { z } from 'zod';
import { family } from '../labels/label.ts';
import { invalidLabel } from '../labels/label-problems.ts';
import { shownValue } from '../problem.ts';
import { explainEach } from './explain-each.ts';
import { feature } from './feature.ts';

/** Response headers that the proxy sets or removes. */
export type ResponseHeader = readonly [name: string, value: string];

const MOST_HEADERS = 32;
const NAME = /^[A-Za-z0-9-]{1,64}$/;
const VALUE = /^[\x20-\x7e]{0,1024}$/;

/** nginx sets these, they belong to one connection, or clients could not read the body without them. */
const RESERVED =
  /^(?:connection|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade|content-(?:length|encoding|type|range)|date|server|set-cookie|x-accel-.*|grpc-.*)$/i;

const responseHeader = family({
  name: 'response_header.<Name>',
  exampleName: 'X-Frame-Options',
  policy: 'optional',
  type: 'text',
  default: '',
  example: 'DENY',
  description:
    "Sets this header in the service's responses, whatever their status, instead of the service's own header. An empty value removes the header.",
  nameFault(name) {
    if (!NAME.test(name)) return 'does not end in the name of a header: letters, digits and dashes';
    if (/^strict-transport-security$/i.test(name)) return 'has a label of its own: hsts';
    return RESERVED.test(name) ? 'names a header that the proxy controls' : undefined;
  },
  schema: z.string().trim().regex(VALUE, 'is longer than 1024 characters, or contains others than printable ASCII'),
});

export const responseHeaders = feature({
  labels: {},
  families: [responseHeader],
  read(reader): readonly ResponseHeader[] | undefined {
    const headers = reader.readEach(responseHeader);
    if (headers.length === 0) return undefined;
    if (headers.length > MOST_HEADERS)
      reader.note(responseHeader, invalidLabel(`sets more than ${MOST_HEADERS} headers`, 'Remove some of the labels.'));
    return headers.slice(0, MOST_HEADERS);
  },
  message: z.array(z.tuple([z.string().regex(NAME), z.string().regex(VALUE)])).max(MOST_HEADERS),
  conflict: 'response_header.<Name>',
  stage: 'response',
  explain: (headers) =>
    explainEach(responseHeader, headers, (name, value) =>
      value === ''
        ? `Clients do not receive ${name}.`
        : `Clients receive ${name} with the value "${shownValue(value)}".`,
    ),
  // Escapes and `${dollar}` make a character up to nine bytes long. The hidden headers are listed for HTTP and for gRPC.
  bytes: (headers) =>
    headers.length === 0
      ? 0
      : headers.reduce((sum, [name, value]) => sum + 3 * name.length + 9 * value.length + 100, 500),
  usesDollar: (headers) => headers.some(([, value]) => value.includes('$')),
  responseHeaders: (headers) => headers.map(([name, text]) => ({ name, text })),
});
