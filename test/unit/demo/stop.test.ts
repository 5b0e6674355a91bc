import { once } from 'node:events';
import { Agent, get, type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { expect, it } from 'vitest';
import { startDemo } from './support.ts';

async function fetchWith(agent: Agent, url: string): Promise<IncomingMessage> {
  const [response] = await once(get(url, { agent }), 'response');
  return response;
}

it('finishes the current answer, and closes idle connections', async () => {
  await using demo = await startDemo();
  const agent = new Agent({ keepAlive: true });
  (await fetchWith(agent, `${demo.url}/ping`)).resume();
  const running = await fetchWith(agent, `${demo.url}/stream?bytes=100000&ms=60`);

  const [body] = await Promise.all([text(running), demo.stop()]);
  agent.destroy();

  expect(body).toHaveLength(100_000);
});

it('asks to close the connection of a request that arrived before the stop signal', async () => {
  await using demo = await startDemo();
  const upload = request(`${demo.url}/upload`, { method: 'POST', headers: { expect: '100-continue' } });
  upload.flushHeaders();
  await once(upload, 'continue');

  const stopped = demo.stop();
  upload.end('late');
  const [response] = await once(upload, 'response');
  const answer = JSON.parse(await text(response));
  await stopped;

  expect(response.headers.connection).toBe('close');
  expect(answer.length).toBe(4);
});

it('ends event streams', async () => {
  await using demo = await startDemo();
  const response = await fetch(`${demo.url}/events?interval=60000`);

  const [events] = await Promise.all([response.text(), demo.stop()]);

  expect(events).toBe('data: {"instance":"one","n":1}\n\n');
});
