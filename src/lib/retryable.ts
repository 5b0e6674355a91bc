/** `later`: it may disappear by itself, such as a lost connection. `after-change`: an equal request fails again until settings or the swarm change. */
export type Retry = 'later' | 'after-change';

/** An error that states when what failed may succeed. An error that states nothing is a bug in our code. */
export class RetryableError extends Error {
  override readonly name: string = 'RetryableError';
  readonly retry: Retry = 'later';
}

/** What an error states. Several errors may succeed later if one of them may, and are a bug if one of them is. */
export function retryOf(error: unknown): Retry | undefined {
  if (error instanceof AggregateError) {
    const all = error.errors.map(retryOf);
    if (all.includes(undefined)) return undefined;
    return all.includes('later') ? 'later' : 'after-change';
  }
  return (error as Partial<RetryableError> | undefined)?.retry;
}
