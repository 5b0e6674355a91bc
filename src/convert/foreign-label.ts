import type { Place } from '../compose/tree.ts';

/** A label, or a variable of the environment, as a file writes it: variables in its value are not replaced. */
export interface ForeignLabel {
  readonly name: string;
  readonly value: string;
  readonly place: Place;
}

/** The labels of a service. */
export interface ForeignService {
  readonly name: string;
  readonly labels: readonly ForeignLabel[];
}

/** What could not be converted, or needs attention. */
export interface Remark {
  readonly severity: 'error' | 'warning' | 'notice';
  readonly label: ForeignLabel;
  readonly reason: string;
  readonly remedy: string;
}

/** What becomes one route. */
export interface Group {
  readonly labels: OurLabels;
  readonly remarks: readonly Remark[];
}

/** Names without the prefix `com.docker.lb.`, and their values, in the order in which they are written. */
export type OurLabels = ReadonlyMap<string, string>;

export interface ConvertedService {
  readonly name: string;
  readonly labels: OurLabels;
  readonly remarks: readonly Remark[];
}
