/** An error that may disappear without a change of our code, such as a lost connection: what failed is tried again. Every other error is a bug. */
export class RetryableError extends Error {
  override readonly name: string = 'RetryableError';
  /** The request itself was rejected: an equal one fails again until settings or the swarm change. */
  readonly isRejection: boolean = false;
}

/** Several errors are retryable if each of them is. */
export function isRetryable(error: unknown): boolean {
  return error instanceof AggregateError ? error.errors.every(isRetryable) : error instanceof RetryableError;
}
