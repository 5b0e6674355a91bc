import { z } from 'zod';
import { label } from '../labels/label.ts';

/** `max-age` in seconds, optionally followed by the two keywords, in the format of the header. */
const strictTransport = z
  .string()
  .trim()
  .toLowerCase()
  .transform((value) => (value === 'true' ? 'max-age=31536000' : value))
  .transform((value) => value.replace(/^(?=\d)/, 'max-age=').replaceAll(/\s*;\s*/g, '; '))
  .transform((value) => value.replace('includesubdomains', 'includeSubDomains'))
  .refine(
    (value) => /^(false)?$|^max-age=\d{1,9}(; includeSubDomains)?(; preload)?$/.test(value),
    'is neither true nor a number of seconds, with includeSubDomains and preload behind it',
  )
  .transform((value) => (value === 'false' ? '' : value));

export const hstsLabels = {
  hsts: label({
    name: 'hsts',
    policy: 'optional',
    type: '`true`, or seconds with `includeSubDomains` and `preload` behind them',
    default: 'false',
    example: '31536000; includeSubDomains',
    description:
      'Adds a `Strict-Transport-Security` header to responses over TLS, which makes browsers use only HTTPS for that time. `true` means one year.',
    schema: strictTransport,
  }),
} as const;
