import { label, pathPrefix } from '../labels/label.ts';

export const contextRootLabels = {
  context_root: label({
    name: 'context_root',
    policy: 'required',
    type: 'path',
    default: '/',
    example: '/app',
    description:
      'Path prefix that the service serves. Several services can share a host with different paths. Any RFC 3986 path is valid, percent-encoded or not: `/größe` and `/gr%C3%B6%C3%9Fe` are the same. `%2F` and control characters are rejected.',
    schema: pathPrefix,
  }),
} as const;
