import { STATUS_CODES } from 'node:http';
import { answerText, BadRequest, type Exchange, parseCount } from './exchange.ts';
import { sendBlocks } from './timed.ts';

/** /status/<code> */
export function status({ response, segments }: Exchange): void {
  const code = parseCount('code', segments[1]);
  if (code < 200 || code > 599) throw new BadRequest('code must be from 200 to 599');
  if (code === 204 || code === 304) {
    response.statusCode = code;
    response.end();
    return;
  }
  answerText(response, code, `${code} ${STATUS_CODES[code] ?? ''}`.trim());
}

/** /bytes/<n> */
export async function bytes({ response, segments }: Exchange): Promise<void> {
  await sendBlocks(response, parseCount('number of bytes', segments[1]), 0);
}

/** /redirect?to=<url> */
export function redirect({ response, query }: Exchange): void {
  const to = query.get('to') ?? '';
  if (!/^[\x21-\x7e]+$/.test(to)) throw new BadRequest('to must be an address in printable ASCII');
  response.setHeader('location', to);
  answerText(response, 302, `See ${to}`);
}
