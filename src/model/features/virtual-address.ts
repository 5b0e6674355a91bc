import type { LabelDefinition } from '../labels/label.ts';
import { ineffectiveLabel } from '../labels/label-problems.ts';
import type { LabelReader } from '../labels/label-reader.ts';

/** Whether Swarm chooses the task instead of the proxies. */
export function noteVirtualAddress(reader: LabelReader, label: LabelDefinition<never> | LabelDefinition): boolean {
  const isVirtual = reader.entries.get('backend_mode')?.value.trim() === 'vip';
  if (isVirtual)
    reader.note(label, ineffectiveLabel('has no effect: with backend_mode vip, Swarm chooses the task', 'Use task.'));
  return isVirtual;
}
