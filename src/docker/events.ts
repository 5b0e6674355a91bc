import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type Docker from 'dockerode';
import { backoffMs } from '../lib/backoff.ts';
import type { Logger } from '../lib/logger.ts';
import { sleep } from '../lib/sleep.ts';
import { call } from './docker-error.ts';
import { EngineEvent } from './schema.ts';

export interface EventHandlers {
  /** Something happened to an object. */
  readonly onEvent: (event: EngineEvent) => void;
  /** The stream was away: anything may have happened. */
  readonly onGap: () => void;
}

/**
 * Follows the Engine's events until the signal aborts, and connects again when the stream breaks. Events of services, networks, nodes, configs
 * and secrets reach every manager from the whole swarm; there are none for tasks.
 */
export async function watchEvents(
  docker: Docker,
  { onEvent, onGap }: EventHandlers,
  logger: Logger,
  signal: AbortSignal,
): Promise<void> {
  const filters = JSON.stringify({ type: ['service', 'network', 'node', 'config', 'secret'] });
  let failures = 0;
  while (!signal.aborted) {
    try {
      const stream = await call('Follow events', () => openStream(docker, { filters, abortSignal: signal }));
      failures = 0;
      // What happened between the last look and this moment was announced to nobody.
      onGap();
      await readEvents(stream, onEvent);
    } catch (error) {
      if (signal.aborted) return;
      if (failures === 0) logger.error({ err: error }, 'Event stream broke');
    }
    failures += 1;
    await sleep(backoffMs(failures, 100, 5000), signal);
  }
}

/** dockerode's types know only the form with a callback. */
function openStream(docker: Docker, options: object): Promise<Readable> {
  const { getEvents } = docker as unknown as { getEvents(options: object): Promise<Readable> };
  return getEvents.call(docker, options);
}

async function readEvents(stream: Readable, onEvent: (event: EngineEvent) => void): Promise<void> {
  // Once nobody reads it any more, an error of the stream must not end the process.
  stream.on('error', () => undefined);
  try {
    for await (const line of createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY })) {
      if (line.trim() === '') continue;
      const event = EngineEvent.safeParse(JSON.parse(line));
      if (event.success) onEvent(event.data);
    }
  } finally {
    stream.destroy();
  }
}
