// Following the Engine's events: no event is missed, and a broken stream counts as a gap.
import { PassThrough } from 'node:stream';
import type Docker from 'dockerode';
import { pino } from 'pino';
import { expect, it, vi } from 'vitest';
import { watchEvents } from '../../src/controller/docker/events.ts';
import { type LogLine, sink } from '../support/controller-world.ts';

/** An engine that returns event streams, one for each connection. */
class EventWorld {
  readonly logs: LogLine[] = [];
  /** Received events, in order. */
  readonly received: string[] = [];
  readonly #stop = new AbortController();
  readonly #streams: PassThrough[] = [];
  readonly #running: Promise<void>;

  constructor() {
    const getEvents = async ({ abortSignal }: { abortSignal: AbortSignal }) => {
      const stream = new PassThrough({ signal: abortSignal });
      this.#streams.push(stream);
      return stream;
    };
    const onGap = () => this.received.push('gap');
    const onEvent = ({ Type, Action, Actor }: { Type: string; Action: string; Actor: { ID: string } }) =>
      this.received.push(`${Type} ${Action} ${Actor.ID}`);
    const docker = { getEvents } as unknown as Docker;
    const logger = pino({ level: 'info' }, sink(this.logs));
    this.#running = watchEvents(docker, { onEvent, onGap }, logger, this.#stop.signal);
  }

  /** The stream of the nth connection, from 0. */
  async connection(n: number): Promise<PassThrough> {
    return vi.waitFor(() => {
      if (this.#streams[n] === undefined) throw new Error(`Connection ${n} not found`);
      return this.#streams[n];
    });
  }

  async hears(...expected: readonly string[]): Promise<void> {
    await vi.waitFor(() => expect(this.received).toEqual(expected));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }
}

const event = (id: string) => `${JSON.stringify({ Type: 'service', Action: 'update', Actor: { ID: id } })}\n`;

it('delivers each event once, however the stream is split into chunks', async () => {
  await using world = new EventWorld();
  const stream = await world.connection(0);

  const text = `${event('a')}${event('b')}\n{"unknown":true}\n${event('c')}`;
  for (const piece of text.match(/[\s\S]{1,7}/g)!) stream.write(piece);

  await world.hears('gap', 'service update a', 'service update b', 'service update c');
  expect(world.logs).toEqual([]);
});

it.each([
  { how: 'ends', cut: (stream: PassThrough) => void stream.end() },
  { how: 'breaks', cut: (stream: PassThrough) => void stream.destroy(new Error('ECONNRESET')) },
  { how: 'sends invalid data', cut: (stream: PassThrough) => void stream.write('<html>\n') },
])('reconnects when the stream $how, and reports the gap', async ({ cut }) => {
  await using world = new EventWorld();
  const first = await world.connection(0);
  first.write(event('a'));
  await world.hears('gap', 'service update a');

  cut(first);
  const second = await world.connection(1);
  second.write(event('b'));

  await world.hears('gap', 'service update a', 'gap', 'service update b');
  expect(first.destroyed).toBe(true);
});

it('stops on request without logging', async () => {
  const world = new EventWorld();
  await world.connection(0);

  await world[Symbol.asyncDispose]();

  expect(world.logs).toEqual([]);
});
