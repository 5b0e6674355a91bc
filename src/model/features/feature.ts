import type { z } from 'zod';
import type { LabelDefinition, LabelFamily } from '../label.ts';
import type { LabelReader } from '../label-reader.ts';

/**
 * A routing feature in one file: its labels, how they are read, and what the templates see. A location's options hold
 * the value; if services share a location, the oldest decides.
 */
export interface Feature<Value> {
  /** By name. Listed in the documentation, the linter and the editor in this order. */
  readonly labels: Readonly<Record<string, LabelDefinition>>;
  readonly families?: readonly LabelFamily[];
  /** Reads the value and reports problems. Without labels, it is the value that changes nothing. */
  read(reader: LabelReader): Value;
  /** Accepts the value in messages. Its default applies to messages of the previous release. */
  readonly message: z.ZodType<Value>;
  /** The label that a conflict between services names. */
  readonly conflict: string;
  /** Upper bound for the text that it adds to a location, in bytes. */
  bytes(value: Value): number;
  /** Whether its text needs the variable `$dollar`: nginx has no escape for `$`. */
  usesDollar?(value: Value): boolean;
  /** Its template partial. */
  readonly partial: string;
  /** Fields of the partial; undefined if it renders nothing. */
  view(value: Value, location: LocationFacts): object | undefined;
}

/** What a feature may know of the location that it is rendered into. */
export interface LocationFacts {
  /** Response headers of the service that are hidden here. nginx does not inherit them if a location hides others. */
  readonly hidden: readonly string[];
}

/** Infers the type of the value. */
export function feature<Value, Labels extends Feature<Value>['labels']>(
  definition: Feature<Value> & {
    readonly labels: Labels;
    readonly conflict: (keyof Labels & string) | LabelFamily['name'];
  },
): Feature<Value> & { readonly labels: Labels; readonly conflict: (keyof Labels & string) | LabelFamily['name'] } {
  return definition;
}
