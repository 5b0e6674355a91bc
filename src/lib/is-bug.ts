import { AssertionError } from 'node:assert';

/** Errors that only a mistake of ours can cause: the process had better start afresh than go on with it. */
export function isBug(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.some(isBug);
  return [TypeError, ReferenceError, RangeError, AssertionError].some((kind) => error instanceof kind);
}
