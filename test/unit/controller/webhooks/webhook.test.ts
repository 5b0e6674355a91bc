// Problems are sent to a receiver on the loopback interface.
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text as readText } from 'node:stream/consumers';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { pino } from 'pino';
import { afterEach, expect, it } from 'vitest';
import { type Status, StatusBoard } from '../../../../src/controller/reconcile/status.ts';
import { Webhook, type WebhookOptions } from '../../../../src/controller/webhooks/webhook.ts';
import { createLogger } from '../../../../src/lib/logger.ts';
import type { Problem } from '../../../../src/model/problem.ts';
import { eventually } from '../../../support/eventually.ts';

interface Received {
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

const ended: (() => void)[] = [];
afterEach(() => {
  for (const end of ended.splice(0)) end();
});

/** A receiver that answers with these statuses in turn, and then with 204. A status of 0 is no answer. */
async function aReceiver(...statuses: number[]) {
  const received: Received[] = [];
  const first = Promise.withResolvers<void>();
  const server = createServer(async (request, response) => {
    const body = await readText(request);
    received.push({ method: request.method!, headers: request.headers, body });
    first.resolve();
    // A test that waits for the request continues before it is answered.
    await nextTurn();
    const status = statuses.shift() ?? 204;
    if (status === 0) response.destroy();
    else response.writeHead(status, { location: '/elsewhere' }).end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  ended.push(() => void server.close());
  const { port } = server.address() as AddressInfo;
  return { received, onRequest: first.promise, url: new URL(`http://127.0.0.1:${port}/hooks/secret-path`) };
}

const pace = { groupMs: 30, pauseMs: 30, firstRetryMs: 10, lastRetryMs: 20 };
const silent = createLogger('test', 'silent');

/** Starts a webhook. `set` replaces the current problems, as a pass does. */
function start(url: URL, more: Partial<WebhookOptions> = {}, settings: Partial<WebhookOptions['settings']> = {}) {
  const status = new StatusBoard(silent);
  const stop = new AbortController();
  const shown: WebhookOptions['settings'] = { name: 'ops', Format: 'json', Severities: ['error'], ...settings };
  const options = { url, signingKey: undefined, settings: shown, status, logger: silent, now: () => 5000, pace };
  const running = new Webhook({ ...options, ...more }).run(stop.signal);
  ended.push(() => stop.abort());
  const set = (...problems: Problem[]) => status.record({ at: 0, problems } as unknown as Status);
  return { set, stop, running };
}

const problem = (service: string, more: Partial<Problem> = {}): Problem => ({
  ...{ id: 'label-invalid', severity: 'error', service, label: 'com.docker.lb.port', value: 'http' },
  ...{ reason: 'is not a number', remedy: 'Write a number.' },
  ...more,
});

const servicesIn = ({ body }: Received) => {
  const { appeared, resolved } = JSON.parse(body) as Record<'appeared' | 'resolved', Problem[]>;
  return { appeared: appeared.map(({ service }) => service), resolved: resolved.map(({ service }) => service) };
};

it('sends problems together when they appear, and when they are resolved', async () => {
  const { received, url } = await aReceiver();
  const { set } = start(url);
  set(problem('shop'));
  set(problem('shop'), problem('blog'));
  await eventually(async () => expect(received).toHaveLength(1));
  set(problem('blog'), problem('wiki'));
  await eventually(async () => expect(received).toHaveLength(2));

  expect(received.map(servicesIn)).toEqual([
    { appeared: ['shop', 'blog'], resolved: [] },
    { appeared: ['wiki'], resolved: ['shop'] },
  ]);
  expect(received[0]).toMatchObject({ method: 'POST', headers: { 'content-type': 'application/json; charset=utf-8' } });
  expect(JSON.parse(received[1]!.body)).toMatchObject({
    sent_at: '1970-01-01T00:00:05.000Z',
    appeared: [{ id: 'label-invalid', severity: 'error', reason: 'is not a number', remedy: 'Write a number.' }],
    appeared_total: 1,
    resolved_total: 1,
    current_total: 2,
  });
});

it('sends nothing for a problem that is gone before the message, or has another severity', async () => {
  const { received, url } = await aReceiver();
  const { set } = start(url);
  set(problem('brief'), problem('mild', { severity: 'warning' }));
  set(problem('mild', { severity: 'warning' }));
  // A later message shows that the earlier ones were not sent.
  set(problem('shop'), problem('mild', { severity: 'warning' }));
  await eventually(async () => expect(received).toHaveLength(1));

  expect(servicesIn(received[0]!)).toEqual({ appeared: ['shop'], resolved: [] });
});

it('retries with the current problems until the receiver accepts them, and follows no redirect', async () => {
  const { received, url, onRequest } = await aReceiver(500, 0, 302);
  const { set } = start(url);
  set(problem('shop'));
  await onRequest;
  set(problem('blog'));
  await eventually(async () => expect(received).toHaveLength(4));

  expect(servicesIn(received[0]!)).toEqual({ appeared: ['shop'], resolved: [] });
  expect(servicesIn(received[3]!)).toEqual({ appeared: ['blog'], resolved: [] });
  set(problem('wiki'));
  await eventually(async () => expect(received).toHaveLength(5));
  expect(servicesIn(received[4]!)).toEqual({ appeared: ['wiki'], resolved: ['blog'] });
});

it('signs the time and the body', async () => {
  const { received, url } = await aReceiver();
  start(url, { signingKey: 'key' }).set(problem('shop'));
  await eventually(async () => expect(received).toHaveLength(1));

  const [{ headers, body }] = received as [Received];
  const expected = createHmac('sha256', 'key').update(`5.${body}`).digest('hex');
  expect(headers).toMatchObject({ 'x-signalbox-timestamp': '5', 'x-signalbox-signature': `sha256=${expected}` });
});

it('does not sign without a key', async () => {
  const { received, url } = await aReceiver();
  start(url).set(problem('shop'));
  await eventually(async () => expect(received).toHaveLength(1));

  expect(Object.keys(received[0]!.headers).filter((name) => name.startsWith('x-signalbox'))).toEqual([]);
});

it('writes to a chat without links and mentions of users', async () => {
  const { received, url } = await aReceiver();
  const { set } = start(url, {}, { Format: 'slack' });
  const many = Array.from({ length: 30 }, (_, n) => problem(`app-${n}`));
  set(problem('shop', { value: '<!channel> & <http://evil|safe>\n:x: second line' }), ...many);
  await eventually(async () => expect(received).toHaveLength(1));

  const { text } = JSON.parse(received[0]!.body) as { text: string };
  const lines = text.split('\n');
  expect(lines[0]).toBe('*Signalbox: 31 problems appeared, 0 resolved, 31 now*');
  expect(lines[1]).toContain(
    ':red_circle: error: shop com.docker.lb.port "&lt;!channel&gt; &amp; &lt;http://evil|safe&gt; :x: second line": is not a number. Fix: Write a number.',
  );
  expect(lines.at(-1)).toBe('and 16 more');
  expect(text).not.toMatch(/[<>]/);
});

it('logs a failure once, and never the URL or the key', async () => {
  const lines: string[] = [];
  const logger = pino({}, { write: (line: string) => void lines.push(line) });
  const { received, url } = await aReceiver(500, 500, 500);
  start(url, { logger, signingKey: 'signing-key' }).set(problem('shop'));
  await eventually(async () => expect(lines).toHaveLength(2));

  expect(received).toHaveLength(4);
  expect(lines[0]).toContain('"webhook":"ops","reason":"the receiver answered 500"');
  expect(lines[1]).toContain('"failures":3');
  expect(lines.join('')).not.toMatch(/secret-path|127\.0\.0\.1|signing-key/);
});

it('ends while it waits, and while a receiver is away', async () => {
  const idle = start(new URL('http://127.0.0.1:1/'));
  const away = start(new URL('http://127.0.0.1:1/'));
  away.set(problem('shop'));

  idle.stop.abort();
  away.stop.abort();

  await Promise.all([idle.running, away.running]);
});
