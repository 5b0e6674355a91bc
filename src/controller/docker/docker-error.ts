import { type Retry, RetryableError } from '../../lib/retryable.ts';
import { ConflictError } from '../ports.ts';

/** The Engine may answer an equal request otherwise: the object appears, is no longer in use, or the Engine has time. */
const TEMPORARY: readonly number[] = [404, 408, 409, 429];

/** The Engine returned an error or could not be reached. `status` is the HTTP status, undefined without a response. */
export class DockerError extends RetryableError {
  override readonly name = 'DockerError';
  readonly operation: string;
  readonly status: number | undefined;
  override readonly retry: Retry;

  constructor(operation: string, status: number | undefined, cause: unknown) {
    super(`${operation}: ${reason(cause)}`, { cause });
    this.operation = operation;
    this.status = status;
    const isRejection = status !== undefined && status >= 400 && status < 500 && !TEMPORARY.includes(status);
    this.retry = isRejection ? 'after-change' : 'later';
  }
}

function reason(cause: unknown): string {
  const { json, message } = cause as { json?: { message?: string }; message?: string };
  return json?.message ?? message ?? String(cause);
}

/** Calls since the start, by operation. */
const calls = new Map<string, { done: number; failed: number }>();
export const engineCalls: ReadonlyMap<string, { readonly done: number; readonly failed: number }> = calls;

function count(operation: string, result: 'done' | 'failed'): void {
  // The names that follow verb and kind are dropped: they would create too many series.
  const name = operation.split(' ').slice(0, 2).join(' ');
  const counted = calls.get(name) ?? { done: 0, failed: 0 };
  counted[result] += 1;
  calls.set(name, counted);
}

/** Runs an Engine API call. Every failure becomes a DockerError, or a ConflictError if the object has changed. */
export async function call<T>(operation: string, request: () => Promise<T>): Promise<T> {
  try {
    const answer = await request();
    // docker-modem returns a response it cannot parse as a Buffer. It is empty only for calls without a response body.
    if (Buffer.isBuffer(answer) && answer.length > 0) throw new Error('the response is not JSON');
    count(operation, 'done');
    return answer;
  } catch (cause) {
    count(operation, 'failed');
    const status = (cause as { statusCode?: number }).statusCode;
    // swarmkit: "rpc error: … desc = update out of sequence", which the Engine returns as a 500.
    if (/out of sequence/.test(reason(cause))) throw new ConflictError(`${operation}: ${reason(cause)}`, { cause });
    throw new DockerError(operation, status, cause);
  }
}

/** Like `call`, for lists. An empty response is an error, not an empty list. */
export async function callForList(operation: string, request: () => Promise<unknown>): Promise<readonly unknown[]> {
  const answer = await call(operation, request);
  if (!Array.isArray(answer)) throw new DockerError(operation, undefined, new Error('the response is not a list'));
  return answer;
}

export function isStatus(error: unknown, status: number): boolean {
  return error instanceof DockerError && error.status === status;
}
