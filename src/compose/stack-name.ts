import { LABEL_PREFIX } from '../model/labels/label.ts';
import type { Stack } from './stack.ts';

/**
 * Infers the stack name from labels with the full name of a network or a secret, such as `demo_front`. The compose file itself
 * does not contain it. Undefined if no label has such a name.
 */
export function guessStackName({ services, networks, secrets }: Stack): string | undefined {
  const own = [...networks, ...secrets].filter(([, { external, name }]) => !external && name === undefined);
  const suffixes = [...own.map(([key]) => `_${key}`), '_default'];
  const values = [...services.values()].flatMap(({ labels }) =>
    [...labels].filter(([label]) => label.startsWith(LABEL_PREFIX)).map(([, { value }]) => value.trim()),
  );
  const names = values.flatMap((value) =>
    suffixes.filter((end) => value.endsWith(end)).map((end) => value.slice(0, -end.length)),
  );
  return names.find(isStackName);
}

export function isStackName(name: string): boolean {
  return /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(name);
}
