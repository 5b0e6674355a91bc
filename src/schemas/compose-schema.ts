import { labelFamilies } from '../model/features/features.ts';
import { beginningOf, LABEL_PREFIX, type LabelDefinition } from '../model/labels/label.ts';
import { labelAliases, labels } from '../model/labels/labels.ts';
import { escapeExpression, type JsonSchema, labelSchema } from './json-schema.ts';

/** Where the Compose Specification publishes its schema. */
export const COMPOSE_SPEC = 'https://raw.githubusercontent.com/compose-spec/compose-spec/main/schema/compose-spec.json';

const all: Readonly<Record<string, LabelDefinition>> = labels;
const PREFIX = escapeExpression(LABEL_PREFIX);
/** The number of a group, as in `com.docker.lb.1.hosts`. */
const NUMBER = '\\d+\\.';

/**
 * Of a compose file: labels under `deploy:`, as a map. With `isComplete`, also of everything else in the file, for which
 * the editor reads the schema of the Compose Specification.
 */
export function composeSchema({ isComplete }: { readonly isComplete: boolean }): JsonSchema {
  const deploy = { type: ['object', 'null'], properties: { labels: labelsSchema() } };
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'Compose file with labels of Signalbox',
    ...(isComplete ? { allOf: [{ $ref: COMPOSE_SPEC }] } : {}),
    type: 'object',
    properties: {
      services: {
        type: ['object', 'null'],
        additionalProperties: { type: ['object', 'null'], properties: { deploy } },
      },
    },
    definitions: Object.fromEntries(
      [...Object.entries(all), ...labelFamilies.map((family) => [family.name, family] as const)].map(
        ([name, definition]) => [name, labelSchema(definition)],
      ),
    ),
  };
}

function labelsSchema(): JsonSchema {
  const names = Object.keys(all);
  const families = labelFamilies.map((family) => ({
    name: family.name,
    pattern: `^${PREFIX}(?:${NUMBER})?${escapeExpression(beginningOf(family))}.+$`,
  }));
  const numbered = (pattern: string) => `^${PREFIX}${NUMBER}${pattern}$`;
  const written = [...names, ...Object.keys(labelAliases)];
  return {
    description: 'Labels of the service. Signalbox reads those that begin with com.docker.lb.',
    properties: Object.fromEntries(names.map((name) => [LABEL_PREFIX + name, refTo(name)])),
    patternProperties: Object.fromEntries([
      ...names.map((name) => [numbered(name), refTo(name)]),
      ...families.map(({ name, pattern }) => [pattern, refTo(name)]),
    ]),
    propertyNames: {
      anyOf: [
        { not: { pattern: `^${PREFIX}` } },
        { enum: written.map((name) => LABEL_PREFIX + name) },
        { pattern: numbered(`(?:${written.join('|')})`) },
        ...families.map(({ pattern }) => ({ pattern })),
      ],
    },
  };
}

function refTo(name: string): JsonSchema {
  return { $ref: `#/definitions/${name}` };
}
