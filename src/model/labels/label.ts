import { z } from 'zod';
import { parsePath } from '../path.ts';

/**
 * A label of services. Parsing, problems, the linter and the reference in the documentation use this definition.
 *
 * Policy for an invalid value: an `optional` label is ignored and the route stays; a `required` or `protective` one
 * closes only that route, which then answers 503.
 */
export interface LabelDefinition<T = unknown> {
  /** Name after the prefix. In a family of labels, it ends in `.<Name>`. */
  readonly name: string;
  readonly policy: 'required' | 'optional' | 'protective';
  readonly type: string;
  readonly default: string;
  readonly example: string;
  readonly description: string;
  readonly schema: z.ZodType<T, string>;
  /** Whether a value must not appear in problems and logs, because it may be confidential. */
  readonly hides?: (value: string) => boolean;
}

export const LABEL_PREFIX = 'com.docker.lb.';

export function label<T>(definition: LabelDefinition<T>): LabelDefinition<T> {
  return definition;
}

export const boolean = z
  .string()
  .trim()
  .toLowerCase()
  .refine((value) => ['true', 'false', '1', '0', 'yes', 'no', ''].includes(value), 'is neither true nor false')
  .transform((value) => ['true', '1', 'yes'].includes(value));

export const wholeNumber = (min: number, max: number) =>
  z
    .string()
    .trim()
    .regex(/^\d{1,9}$/, 'is not a whole number')
    .transform(Number)
    .refine((value) => value >= min && value <= max, `is not between ${min} and ${max}`);

const UNIT_SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600 };

/** A time such as `30s` or `5m`, in seconds. */
export const seconds = (min: number, max: number) =>
  z
    .string()
    .trim()
    .regex(/^\d{1,6}[smh]?$/, 'is not a time such as 30s')
    .transform((value) => Number.parseInt(value, 10) * (UNIT_SECONDS[value.at(-1)!] ?? 1))
    .refine((value) => value >= min && value <= max, `is not between ${min}s and ${max}s`);

/** Labels with a common beginning and a name that the user chooses, such as `response_header.<Name>`. */
export interface LabelFamily<T = unknown> extends LabelDefinition<T> {
  readonly name: `${string}.<Name>`;
  /** An example of the chosen name. */
  readonly exampleName: string;
  /** What is wrong with a chosen name; undefined if nothing is. */
  readonly nameFault: (name: string) => string | undefined;
}

export function family<T>(definition: LabelFamily<T>): LabelFamily<T> {
  return definition;
}

/** The common beginning of a family's labels. */
export function beginningOf({ name }: Pick<LabelFamily, 'name'>): string {
  return name.slice(0, -'<Name>'.length);
}

/** The entries of a list, separated by commas. */
export function splitList(value: string): string[] {
  return value
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');
}

/** Prefix of a path, decoded and normalized, without trailing slash; the empty string is the whole host. */
export const pathPrefix = z
  .string()
  .trim()
  .transform((value, context) => {
    const parsed = parsePath(value);
    if ('path' in parsed) return parsed.path;
    context.addIssue(parsed.reason);
    return z.NEVER;
  });

/** An empty value, as `${VAR:-}` leaves it, means the same as no label. */
export function isUnset(value: string): boolean {
  return value.trim() === '';
}
