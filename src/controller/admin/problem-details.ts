import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { z } from 'zod';

/** All API errors are problem details as in RFC 9457. */
export const problemDetailsSchema = z.object({
  type: z.literal('about:blank'),
  status: z.int(),
  title: z.string(),
  detail: z.string().describe('The error and its fix.'),
});

/** Thrown by handlers and converted to a response by the app. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly status: ContentfulStatusCode;
  readonly title: string;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: ContentfulStatusCode, title: string, detail: string, headers: Record<string, string> = {}) {
    super(detail);
    this.status = status;
    this.title = title;
    this.headers = headers;
  }
}

export function toResponse({ status, title, message, headers }: Refusal): Response {
  const body: z.infer<typeof problemDetailsSchema> = { type: 'about:blank', status, title, detail: message };
  return Response.json(body, { status, headers: { ...headers, 'content-type': 'application/problem+json' } });
}
