import { z } from 'zod';
import { boolean, label } from '../labels/label.ts';
import { conflictingLabels } from '../labels/label-problems.ts';
import { featureWithDefault } from './feature.ts';

/** How clients are assigned to tasks. */
export type Affinity =
  | { readonly kind: 'none' }
  | { readonly kind: 'cookie'; readonly name: string }
  | { readonly kind: 'address' };

const labels = {
  sticky_session_cookie: label({
    name: 'sticky_session_cookie',
    policy: 'optional',
    type: 'name of a cookie',
    default: '',
    example: 'app_session',
    description:
      "The proxy sets the cookie `<name>_route`, which returns a client to the same task. Clients that keep only the application's cookie `<name>` are hashed by its value: each proxy sends equal values to the same task.",
    schema: z
      .string()
      .trim()
      .transform((value) => (value === 'none' ? '' : value))
      .refine((value) => /^[A-Za-z0-9_.-]{0,64}$/.test(value), 'is not the name of a cookie'),
  }),
  ip_hash: label({
    name: 'ip_hash',
    policy: 'optional',
    type: 'boolean',
    default: 'false',
    example: 'true',
    description:
      'Sends requests from the same client address to the same task. Requires `PublishMode = "host"`, `ProxyProtocolFrom` or `TrustedProxies`, because the routing mesh hides client addresses.',
    schema: boolean,
  }),
};

export const affinity = featureWithDefault({
  labels,
  read(reader): Affinity {
    const name = reader.read(labels.sticky_session_cookie) ?? '';
    const hashesAddress = reader.read(labels.ip_hash) ?? false;
    if (name !== '' && hashesAddress) {
      const reason = 'is ignored: sticky_session_cookie takes precedence';
      reader.note(labels.ip_hash, conflictingLabels(reason, 'Remove one of the two labels.'));
    }
    if (name !== '') return { kind: 'cookie', name };
    return hashesAddress ? { kind: 'address' } : { kind: 'none' };
  },
  message: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('none') }),
    z.object({ kind: z.literal('cookie'), name: z.string().regex(/^[A-Za-z0-9_.-]{1,64}$/) }),
    z.object({ kind: z.literal('address') }),
  ]),
  conflict: 'sticky_session_cookie',
  deciding: ({ kind }) => (kind === 'address' ? ['ip_hash'] : ['sticky_session_cookie', 'ip_hash']),
  stage: 'service',
  explain: (value) => ({
    sticky_session_cookie:
      value.kind === 'cookie'
        ? `The cookie ${value.name}_route returns a client to the same task. Clients that keep only the cookie ${value.name} are assigned by its value.`
        : undefined,
    ip_hash: value.kind === 'address' ? 'Requests from the same client address go to the same task.' : undefined,
  }),
  bytes: () => 0,
});
