import { AssertionError } from 'node:assert';

/** Errors that only a bug in our code can cause. The process should restart instead of continuing. */
export function isBug(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.some(isBug);
  return [TypeError, ReferenceError, RangeError, AssertionError].some((kind) => error instanceof kind);
}
