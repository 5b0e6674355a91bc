import { expect, it } from 'vitest';
import { readEvents } from '../../../src/ui/lib/events.ts';

async function eventsOf(...chunks: readonly string[]) {
  const encoder = new TextEncoder();
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(encoder.encode(chunk));
      controller.close();
    },
  });
  return Array.fromAsync(readEvents(body));
}

it('reads events, however they are split', async () => {
  const text = 'event: state\ndata: {"a":"ä"}\n\nevent: seen\ndata: null\n\n';
  const events = [
    { event: 'state', data: '{"a":"ä"}' },
    { event: 'seen', data: 'null' },
  ];
  expect(await eventsOf(text)).toEqual(events);
  expect(await eventsOf(...text)).toEqual(events);
});

it('drops incomplete events', async () => {
  expect(await eventsOf('event: state\ndata: {"a"')).toEqual([]);
});
