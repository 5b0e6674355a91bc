import type { Problem } from '../model/problem.ts';
import type { Place } from './tree.ts';

/** A problem, and the place in the files to fix it. */
export interface Finding extends Problem {
  readonly place: Place;
}

/** Sorts by file, line and column. */
export function sortFindings(findings: readonly Finding[], files: readonly string[]): Finding[] {
  const position = ({ place }: Finding) => (files.includes(place.file) ? files.indexOf(place.file) : files.length);
  return findings.toSorted(
    (a, b) => position(a) - position(b) || a.place.line - b.place.line || a.place.column - b.place.column,
  );
}
