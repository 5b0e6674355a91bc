import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { answerJson, BadRequest, type Exchange, type Outgoing, parseCount, untilGone } from './exchange.ts';

const block = Buffer.alloc(64 * 1024, `${'.'.repeat(63)}\n`);
const tickMs = 20;

/** /slow?ms=2000 */
export async function slow({ response, query, world }: Exchange): Promise<void> {
  const ms = parseCount('ms', query.get('ms'), 2000);
  await sleep(ms, undefined, { signal: untilGone(response) });
  answerJson(response, { instance: world.about.instance, ms });
}

/** /stream?bytes=1048576&ms=2000 */
export async function stream({ response, query }: Exchange): Promise<void> {
  await sendBlocks(response, parseCount('bytes', query.get('bytes'), 2 ** 20), parseCount('ms', query.get('ms'), 2000));
}

/**
 * /events?interval=1000. Ends when the client disconnects or this task stops: the browser reconnects to another task.
 */
export async function events({ response, query, world }: Exchange): Promise<void> {
  const intervalMs = parseCount('interval', query.get('interval'), 1000);
  if (intervalMs < 1) throw new BadRequest('interval must be at least 1');
  const { instance } = world.about;
  const signal = AbortSignal.any([untilGone(response), world.stopping]);
  response.setHeader('content-type', 'text/event-stream');
  response.setHeader('cache-control', 'no-store');
  for (let n = 1; !signal.aborted; n++) {
    response.write(`data: ${JSON.stringify({ instance, n })}\n\n`);
    await sleep(intervalMs, undefined, { signal }).catch(() => undefined);
  }
  response.end();
}

export async function sendBlocks(response: Outgoing, sizeBytes: number, durationMs: number): Promise<void> {
  response.setHeader('content-type', 'application/octet-stream');
  response.setHeader('content-length', sizeBytes);
  await pipeline(Readable.from(makeBlocks(sizeBytes, durationMs), { objectMode: false }), response);
}

async function* makeBlocks(sizeBytes: number, durationMs: number): AsyncGenerator<Buffer> {
  const ticks = Math.max(1, Math.min(Math.ceil(durationMs / tickMs), sizeBytes));
  for (let tick = 1, sent = 0; tick <= ticks; tick++) {
    const due = Math.round((sizeBytes * tick) / ticks);
    for (; sent < due; sent += block.length) yield block.subarray(0, due - sent);
    sent = due;
    if (durationMs > 0) await sleep(durationMs / ticks);
  }
}
