import { z } from 'zod';
import { label } from '../labels/label.ts';
import { ineffectiveLabel, invalidLabel } from '../labels/label-problems.ts';
import type { LabelReader } from '../labels/label-reader.ts';
import type { RouteOptions } from '../route.ts';
import type { SwarmService } from '../snapshot.ts';

export const backendModeLabels = {
  backend_mode: label({
    name: 'backend_mode',
    policy: 'optional',
    type: '`task` or `vip`',
    default: 'task',
    example: 'vip',
    description: "Sends requests directly to the tasks (`task`), or to the service's virtual IP (`vip`).",
    schema: z
      .string()
      .trim()
      .toLowerCase()
      .refine((value) => value === 'task' || value === 'vip', 'is neither task nor vip'),
  }),
} as const;

export function readMode(
  reader: LabelReader,
  { endpointMode }: SwarmService,
  { affinity }: Pick<RouteOptions, 'affinity'>,
): string {
  const mode = reader.read(backendModeLabels.backend_mode) ?? 'task';
  if (mode === 'vip' && endpointMode === 'dnsrr') {
    reader.note(
      backendModeLabels.backend_mode,
      invalidLabel(
        'is vip, but the service has no virtual address (endpoint mode dnsrr)',
        'Use task, or set the endpoint mode to vip.',
      ),
    );
    return 'task';
  }
  if (mode === 'vip' && affinity.kind !== 'none') {
    reader.note(
      backendModeLabels.backend_mode,
      ineffectiveLabel('is vip, so sticky sessions have no effect', 'Use task.'),
    );
  }
  return mode;
}
