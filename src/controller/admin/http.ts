import { getConnInfo } from '@hono/node-server/conninfo';
import type { Context, MiddlewareHandler } from 'hono';
import type { z } from 'zod';
import { Refusal } from './problem-details.ts';

/** Allows only scripts and the page: pages of other origins may not sign in or out. */
export const sameOrigin: MiddlewareHandler = async (context, next) => {
  refuseForeign(context);
  await next();
};

export function refuseForeign(context: Context): void {
  const origin = context.req.header('origin');
  const site = context.req.header('sec-fetch-site');
  if ((origin === undefined || origin === originOf(context)) && (site === undefined || site === 'same-origin')) return;
  throw new Refusal(403, 'Forbidden', 'Cross-origin requests are not allowed.');
}

/** The origin at which the client reaches the controller. */
export function originOf({ req }: Context): string {
  return new URL(req.url).origin;
}

/** Ignores the content type, because scripts often send curl's default. */
export async function readBody<T>({ req }: Context, schema: z.ZodType<T>): Promise<T> {
  const text = await req.text();
  const parsed = schema.safeParse(parseJson(text));
  if (parsed.success) return parsed.data;
  const reasons = parsed.error.issues.map(({ path, message }) => [path.join('.'), message].filter(Boolean).join(': '));
  throw new Refusal(400, 'Bad request', reasons.join('; '));
}

function parseJson(text: string): unknown {
  try {
    return text.trim() === '' ? {} : JSON.parse(text);
  } catch {
    throw new Refusal(400, 'Bad request', 'The body is not valid JSON.');
  }
}

export function remoteAddress(context: Context): string {
  return getConnInfo(context).remote.address ?? '';
}
