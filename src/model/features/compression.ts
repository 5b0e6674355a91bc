import { z } from 'zod';
import { label, splitList } from '../labels/label.ts';
import { ineffectiveLabel } from '../labels/label-problems.ts';
import { feature } from './feature.ts';

interface Compression {
  /** Responses to requests with cookies or credentials too. */
  readonly always: boolean;
}

/** `text/html` is always among them. Not event streams, which would be delayed, and nothing that is compressed already. */
const TYPES = [
  ...['text/plain', 'text/css', 'text/xml', 'text/javascript', 'text/markdown', 'text/csv', 'text/calendar'],
  ...['application/javascript', 'application/json', 'application/ld+json', 'application/manifest+json'],
  ...[
    'application/problem+json',
    'application/vnd.api+json',
    'application/geo+json',
    'application/graphql-response+json',
  ],
  ...['application/xml', 'application/xhtml+xml', 'application/rss+xml', 'application/atom+xml', 'application/wasm'],
  ...['font/ttf', 'font/otf', 'image/svg+xml', 'image/x-icon', 'image/bmp'],
].join(' ');

const MISSING = ['br', 'brotli', 'zstd'];

const compress = label({
  name: 'compress',
  policy: 'optional',
  type: '`true`, or a list of `gzip` and `always`',
  default: 'false',
  example: 'gzip',
  description:
    'Compresses text responses of 1 KB or more with gzip, for clients that accept it, unless the service has compressed them. Never compresses event streams or gRPC. Requests with `Cookie` or `Authorization` receive uncompressed responses, because an attacker could guess secrets from the compressed size (BREACH). `always` compresses these responses too: set it in a numbered group for paths without secrets, such as `/assets`. `br` and `zstd` are ignored: nginx has no modules for them, neither in the Debian package nor in the official image.',
  schema: z
    .string()
    .trim()
    .toLowerCase()
    .transform((value) => splitList(['true', '1', 'yes'].includes(value) ? 'gzip' : value))
    .refine(
      (methods) => methods.every((method) => ['gzip', 'always', 'false', '0', 'no', ...MISSING].includes(method)),
      'contains others than gzip and always',
    ),
});

export const compression = feature({
  labels: { compress },
  read(reader, { isGrpc }): Compression | undefined {
    const methods = reader.read(compress) ?? [];
    if (isGrpc && methods.length > 0) {
      reader.note(compress, ineffectiveLabel('has no effect: gRPC compresses its messages itself', 'Remove it.'));
      return undefined;
    }
    const missing = methods.find((method) => MISSING.includes(method));
    if (missing !== undefined)
      reader.note(
        compress,
        ineffectiveLabel(
          `names ${missing}, for which neither Debian's nginx nor the official image has a module`,
          'Use gzip.',
        ),
      );
    const always = methods.includes('always');
    return methods.includes('gzip') || (always && missing === undefined) ? { always } : undefined;
  },
  message: z.object({ always: z.boolean() }),
  conflict: 'compress',
  stage: 'response',
  explain: ({ always }) => ({
    compress: `Text responses of 1 KB or more are compressed with gzip${always ? '' : ', except for requests with Cookie or Authorization'}.`,
  }),
  bytes: () => 900,
  partial: 'compression',
  view: ({ always }) => ({ always, types: TYPES }),
  definitions: ({ always }) =>
    always ? [] : [{ key: 'has_credentials', bytes: 200, partial: 'define-credentials', variable: 'has_credentials' }],
});
