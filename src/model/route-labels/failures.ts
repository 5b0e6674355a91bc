import { z } from 'zod';
import { label, wholeNumber } from '../labels/label.ts';
import type { LabelReader } from '../labels/label-reader.ts';
import type { Peer } from '../route.ts';

export const failureLabels = {
  max_fails: label({
    name: 'max_fails',
    policy: 'optional',
    type: 'whole number',
    default: '0',
    example: '3',
    description:
      'Number of failed requests within `fail_timeout` after which a task receives no requests for that time. 0 disables the check. Requests that the application drops count as failures, so one client can make a task unavailable for all clients. If all tasks have failed, all of them receive requests again.',
    schema: wholeNumber(0, 1000),
  }),
  fail_timeout: label({
    name: 'fail_timeout',
    policy: 'optional',
    type: 'time',
    default: '10s',
    example: '30s',
    description:
      'Time window in which `max_fails` failures are counted, and time for which the task then receives no requests.',
    schema: z
      .string()
      .trim()
      // nginx counts failures in whole seconds and rejects `ms` here.
      .regex(/^\d{1,6}[smh]?$/, 'is not a time such as 30s'),
  }),
} as const;

export function readFailureLimits(reader: LabelReader): Pick<Peer, 'maxFails' | 'failTimeout'> {
  return { maxFails: reader.read(failureLabels.max_fails), failTimeout: reader.read(failureLabels.fail_timeout) };
}
