import { z } from 'zod';
import { boolean, type LabelDefinition } from '../model/labels/label.ts';
import type { KeyDefinition } from '../model/settings/keys.ts';

export type JsonSchema = { readonly [keyword: string]: unknown };

/** Links of the reference documents lead nowhere in an editor. */
function withoutLinks(markdown: string): string {
  return markdown.replaceAll(/ See \[[^\]]*\]\([^)]*\)\./g, '').replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1');
}

/** Docker turns numbers and booleans in a map of labels into text. */
const TEXT = ['string', 'number', 'boolean', 'null'];

/** Of a label's value. */
export function labelSchema({ schema, type, default: fallback, example, description }: LabelDefinition): JsonSchema {
  const choices = schema === (boolean as unknown) ? [true, false, 'true', 'false'] : choicesOf(schema);
  const facts = [`Value: ${withoutLinks(type)}.`, fallback === '' ? '' : `Default: \`${fallback}\`.`];
  return {
    type: TEXT,
    description: [withoutLinks(description), facts.filter(Boolean).join(' ')].join('\n\n'),
    examples: [example],
    // Not an enum: lower and upper case, and an empty value, are valid as well.
    ...(choices === undefined ? {} : { anyOf: [{ enum: choices }, { type: TEXT }] }),
  };
}

function choicesOf(schema: z.ZodType): unknown[] | undefined {
  // Of the output, because the input is a text that is folded to lower case first.
  const { enum: choices } = toJson(schema, 'output');
  return Array.isArray(choices) ? choices : undefined;
}

/** Of a settings key. */
export function keySchema({ schema, default: fallback, description }: KeyDefinition): JsonSchema {
  const { data } = schema.safeParse(fallback);
  // A default in another form than the file's, such as milliseconds, would mislead.
  const isWritten = fallback !== null && fallback !== '' && JSON.stringify(data) === JSON.stringify(fallback);
  return { ...toJson(schema), description: withoutLinks(description), ...(isWritten ? { default: fallback } : {}) };
}

/** A table of settings. Names of keys are case-insensitive, which a schema cannot say, so others are allowed. */
export function tableSchema(
  keys: Readonly<Record<string, KeyDefinition>>,
  description: string,
  more: JsonSchema = {},
): JsonSchema {
  const own = Object.entries(keys).map(([name, definition]) => [name, keySchema(definition)] as const);
  return { type: 'object', description, properties: { ...Object.fromEntries(own), ...more } };
}

function toJson(schema: z.ZodType, io: 'input' | 'output' = 'input'): JsonSchema {
  const { $schema: _, ...json } = z.toJSONSchema(schema, { io, unrepresentable: 'any', target: 'draft-7' });
  return json;
}

export function escapeExpression(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
