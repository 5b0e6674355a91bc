import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type Docker from 'dockerode';
import { backoffMs } from '../../lib/backoff.ts';
import type { Logger } from '../../lib/logger.ts';
import { sleep } from '../../lib/sleep.ts';
import { call } from './docker-error.ts';
import { EngineEvent } from './schema.ts';

export interface EventHandlers {
  /** An object changed. */
  readonly onEvent: (event: EngineEvent) => void;
  /** The stream was interrupted: any object may have changed. */
  readonly onGap: () => void;
}

/**
 * Follows the Engine's events until the signal aborts, and reconnects when the stream fails. Every manager receives events of services,
 * networks, nodes, configs and secrets from the entire swarm. There are no events for tasks.
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
      // Events between the last snapshot and this moment were missed.
      onGap();
      await readEvents(stream, onEvent);
    } catch (error) {
      if (signal.aborted) return;
      if (failures === 0) logger.error({ err: error }, 'Event stream failed');
    }
    failures += 1;
    await sleep(backoffMs(failures, 100, 5000), signal);
  }
}

/** dockerode's types cover only the form with a callback. */
function openStream(docker: Docker, options: object): Promise<Readable> {
  const { getEvents } = docker as unknown as { getEvents(options: object): Promise<Readable> };
  return getEvents.call(docker, options);
}

async function readEvents(stream: Readable, onEvent: (event: EngineEvent) => void): Promise<void> {
  // An error of an abandoned stream must not end the process.
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
