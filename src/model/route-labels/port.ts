import { label, wholeNumber } from '../labels/label.ts';
import type { LabelReader } from '../labels/label-reader.ts';

export const portLabels = {
  port: label({
    name: 'port',
    policy: 'required',
    type: 'port, 1 to 65535',
    default: '',
    example: '8080',
    description: 'Container port that receives the requests. It does not need to be published.',
    schema: wholeNumber(1, 65_535),
  }),
} as const;

export function readPort(reader: LabelReader): number | undefined {
  if (!reader.has('port'))
    reader.refuse(portLabels.port, 'is missing', 'Set it to the container port that receives the requests.');
  return reader.read(portLabels.port);
}
