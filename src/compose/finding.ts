import type { Problem } from '../model/problem.ts';
import type { Place } from './tree.ts';

/** A problem, and where in the files it can be mended. */
export interface Finding extends Problem {
  readonly place: Place;
}

/** By place, as a reader goes through the files. */
export function sortFindings(findings: readonly Finding[], files: readonly string[]): Finding[] {
  const position = ({ place }: Finding) => (files.includes(place.file) ? files.indexOf(place.file) : files.length);
  return findings.toSorted(
    (a, b) => position(a) - position(b) || a.place.line - b.place.line || a.place.column - b.place.column,
  );
}
