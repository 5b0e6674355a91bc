import type { IncomingMessage } from 'node:http';
import type { z } from 'zod';
import type { Reply } from './channel-server.ts';
import { readBody, TooLargeError } from './read-body.ts';

/** Passes the message in a request's body on, or replies with what is wrong with it. */
export async function takeMessage<T>(
  request: IncomingMessage,
  schema: z.ZodType<T>,
  maxBytes: number,
  handle: (message: T) => Promise<Reply>,
): Promise<Reply> {
  const text = await readLimited(request, maxBytes);
  if (text === undefined) return { status: 413, body: { error: 'The body is too large' } };
  const sent = parseJson(text);
  if (sent === undefined) return { status: 400, body: { error: 'The body is not valid JSON' } };
  const { data, error } = schema.safeParse(sent);
  return error ? { status: 400, body: { error: faultOf(error) } } : handle(data);
}

/** Undefined if the body is too large. */
async function readLimited(request: IncomingMessage, maxBytes: number): Promise<string | undefined> {
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) return undefined;
  return readBody(request, maxBytes).catch((error) => {
    if (error instanceof TooLargeError) return undefined;
    throw error;
  });
}

/** Undefined if the text is not JSON. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Only the first error: the text of all errors may be much longer than the body. */
function faultOf({ issues: [first] }: z.ZodError): string {
  return `${first?.path.join('.')}: ${first?.message}`.slice(0, 500);
}
