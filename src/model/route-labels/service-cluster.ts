import { z } from 'zod';
import { label } from '../labels/label.ts';

export const serviceClusterLabels = {
  service_cluster: label({
    name: 'service_cluster',
    policy: 'required',
    type: 'name of a service cluster',
    default: 'the default service cluster',
    example: 'us-east',
    description: 'Service cluster that publishes the service. A service cluster is one extension with its proxies.',
    schema: z
      .string()
      .trim()
      .regex(/^[a-zA-Z0-9_.-]{0,64}$/, 'is not the name of a service cluster'),
  }),
} as const;
