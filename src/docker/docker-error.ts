import { ConflictError } from '../reconcile/ports.ts';

/** The Engine refused, or could not be reached. `status` is that of HTTP; undefined when no answer came. */
export class DockerError extends Error {
  override readonly name = 'DockerError';
  readonly operation: string;
  readonly status: number | undefined;

  constructor(operation: string, status: number | undefined, cause: unknown) {
    super(`${operation}: ${reason(cause)}`, { cause });
    this.operation = operation;
    this.status = status;
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
  // What follows the verb and the kind is a name: there are too many of those.
  const name = operation.split(' ').slice(0, 2).join(' ');
  const counted = calls.get(name) ?? { done: 0, failed: 0 };
  counted[result] += 1;
  calls.set(name, counted);
}

/** Runs a call of the Engine; whatever goes wrong is a DockerError, or a ConflictError where the world has moved on. */
export async function call<T>(operation: string, request: () => Promise<T>): Promise<T> {
  try {
    const answer = await request();
    // docker-modem hands on what it cannot read; only calls that have no answer end with nothing.
    if (Buffer.isBuffer(answer) && answer.length > 0) throw new Error('the answer is no JSON');
    count(operation, 'done');
    return answer;
  } catch (cause) {
    count(operation, 'failed');
    const status = (cause as { statusCode?: number }).statusCode;
    // swarmkit: "rpc error: … desc = update out of sequence", which the Engine passes on as a 500.
    if (/out of sequence/.test(reason(cause))) throw new ConflictError(`${operation}: ${reason(cause)}`, { cause });
    throw new DockerError(operation, status, cause);
  }
}

/** As `call`, for lists: nothing at all is not an empty list. */
export async function callForList(operation: string, request: () => Promise<unknown>): Promise<readonly unknown[]> {
  const answer = await call(operation, request);
  if (!Array.isArray(answer)) throw new DockerError(operation, undefined, new Error('the answer is no list'));
  return answer;
}

export function isStatus(error: unknown, status: number): boolean {
  return error instanceof DockerError && error.status === status;
}
