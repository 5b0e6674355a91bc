import { LABEL_PREFIX } from '../model/labels/label.ts';
import type { Stack } from './stack.ts';

/**
 * A compose file does not know the name that its stack will have, but labels do that name a network or a secret in full, as
 * `demo_front`. Undefined where no label tells.
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
