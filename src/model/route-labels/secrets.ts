import type { ReadSecret } from '../features/feature.ts';
import type { LabelDefinition } from '../labels/label.ts';
import type { LabelReader } from '../labels/label-reader.ts';
import { missingSecret } from '../secrets/judge-secrets.ts';
import { judgeUse } from '../secrets/secret-use.ts';
import { textOf, type Verdict } from '../secrets/verdict.ts';
import type { SwarmService } from '../snapshot.ts';
import { byName } from './by-name.ts';
import type { RouteContext } from './context.ts';

/** Reads the secrets that labels of one route name. */
export function secretReader(
  reader: LabelReader,
  service: SwarmService,
  context: Omit<RouteContext, 'readSecret'>,
): ReadSecret {
  return (definition, judge) => {
    const name = readSecret(reader, definition, service, context);
    const verdicts = name === undefined ? [] : (judge?.(name, context.material) ?? []);
    for (const verdict of verdicts) complain(reader, definition, verdict);
    return name;
  };
}

/** Names are accepted with and without the prefix of the stack. */
function readSecret(
  reader: LabelReader,
  definition: LabelDefinition<string>,
  { name: service, labels: all }: SwarmService,
  { secrets, secretUse, namedSecrets }: Omit<RouteContext, 'readSecret'>,
): string | undefined {
  const wanted = reader.read(definition);
  if (wanted === undefined) return undefined;
  const accepted = [wanted, `${all['com.docker.stack.namespace']}_${wanted}`];
  const found = accepted.flatMap((name) => secrets.get(name) ?? [])[0];
  if (found !== undefined) {
    const verdict = judgeUse(found, secretUse, service);
    if (verdict !== undefined) complain(reader, definition, verdict);
    if (verdict?.severity === 'error') return undefined;
    namedSecrets.push(found.name);
    return found.name;
  }
  const similar = byName([...secrets.values()], accepted, { ignoreCase: true });
  complain(reader, definition, missingSecret(wanted, similar?.name));
  return undefined;
}

export function complain(reader: LabelReader, definition: LabelDefinition<string>, verdict: Verdict): void {
  reader.noteShared(definition, textOf(verdict));
  if (verdict.severity === 'error') reader.closed = true;
}
