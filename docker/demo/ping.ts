import { randomBytes } from 'node:crypto';
import { answerJson, type Exchange } from './exchange.ts';

export function ping(exchange: Exchange): void {
  const { request, response, world } = exchange;
  setSessionCookie(exchange);
  answerJson(response, { ...world.about, request_id: request.headers['x-request-id'] });
}

/** Set only if the client has no cookie, so that a proxy's sticky session sees one value per client. */
export function setSessionCookie({ request, response }: Exchange): void {
  if (/(^|;\s*)session=/.test(request.headers.cookie ?? '')) return;
  response.setHeader('set-cookie', `session=${randomBytes(12).toString('hex')}; Path=/`);
}
