import { randomUUID } from 'node:crypto';
import { lookup } from 'node:dns/promises';
import type { IncomingMessage } from 'node:http';
import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { isIP, type Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { plainText } from '../lib/plain-text.ts';
import { systemMessage } from '../lib/system-message.ts';
import type { TriedStep } from '../model/tried-step.ts';

/** One step of a request. */
export interface Step {
  readonly step: TriedStep;
  readonly ok: boolean;
  readonly text: string;
  /** Duration of the step. */
  readonly ms?: number;
}

/** A node that is asked, whatever DNS says. */
export interface TryTarget {
  readonly node: string;
  readonly address: string;
  readonly port: number;
}

export interface TryOptions {
  /** Address of a node, instead of the one in DNS. */
  readonly address?: string | undefined;
  readonly target?: TryTarget;
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 10_000;
const LONGEST_TEXT = 200;

/** Sends one GET request and describes each step. Follows no redirect. Certificates are verified, but only reported. */
export async function tryRequest(
  url: URL,
  { address, target, timeoutMs = TIMEOUT_MS }: TryOptions = {},
): Promise<Step[]> {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const begunAt = performance.now();
  const resolved = await resolve(host, address);
  const dns: Step = { step: 'dns', ok: resolved.address !== undefined, text: resolved.text, ms: since(begunAt) };
  const endpoint = target ?? (resolved.address && { address: resolved.address, port: portOf(url) });
  if (!endpoint) return [dns];
  const asked: Step[] = target ? [{ step: 'node', ok: true, text: `the request goes to ${target.node}` }] : [];
  return [dns, ...asked, ...(await send(url, host, endpoint, timeoutMs))];
}

type Endpoint = Pick<TryTarget, 'address' | 'port'>;

async function resolve(host: string, given: string | undefined): Promise<{ address?: string; text: string }> {
  if (given !== undefined) return { address: given, text: `${host} is not resolved: the request goes to ${given}` };
  if (isIP(host) !== 0) return { address: host, text: `${host} is an address` };
  try {
    const [first, ...others] = await lookup(host, { all: true });
    const more = others.length === 0 ? '' : ` (and ${others.map(({ address }) => address).join(', ')})`;
    return { address: first!.address, text: `${host} is ${first!.address}${more}` };
  } catch (error) {
    return { text: `${host} is not in DNS: ${systemMessage(error as NodeJS.ErrnoException)}` };
  }
}

async function send(url: URL, host: string, { address, port }: Endpoint, timeoutMs: number): Promise<Step[]> {
  const requestId = randomUUID();
  const clock = new StepClock();
  const isSecure = url.protocol === 'https:';
  const outgoing = (isSecure ? requestHttps : requestHttp)({
    ...{ host: address, port, path: url.pathname + url.search, agent: false, rejectUnauthorized: false },
    ...(isSecure && isIP(host) === 0 ? { servername: host } : {}),
    headers: { host: url.host, 'x-request-id': requestId, 'user-agent': 'signalbox' },
    signal: AbortSignal.timeout(timeoutMs),
  });
  outgoing.on('socket', (socket: Socket) => {
    socket.once('connect', () => clock.end('connection', `connected to ${address} port ${port}`));
    socket.once('secureConnect', () => clock.end('tls', ...describeTls(socket as TLSSocket)));
  });
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  outgoing.on('response', resolve).on('error', reject).end();
  try {
    const response = await promise;
    const { statusCode = 0, statusMessage = '' } = response;
    const text = `${statusCode} ${plainText(statusMessage, LONGEST_TEXT)}${location(response)}`;
    clock.end('answer', text, statusCode < 500);
    return [...clock.steps, ...describeProxy(response, await readStart(response), requestId)];
  } catch (error) {
    clock.end(clock.nextStep(isSecure), failureOf(error as NodeJS.ErrnoException, timeoutMs), false);
    return clock.steps;
  }
}

/** Measures steps that follow each other. */
class StepClock {
  readonly steps: Step[] = [];
  #last = performance.now();

  end(step: Step['step'], text: string, ok = true): void {
    this.steps.push({ step, ok, text, ms: since(this.#last) });
    this.#last = performance.now();
  }

  /** The step that is in progress. */
  nextStep(isSecure: boolean): Step['step'] {
    const order: readonly Step['step'][] = isSecure ? ['connection', 'tls', 'answer'] : ['connection', 'answer'];
    return order[this.steps.length] ?? 'answer';
  }
}

function portOf({ port, protocol }: URL): number {
  return Number(port || (protocol === 'https:' ? 443 : 80));
}

function failureOf(error: NodeJS.ErrnoException, timeoutMs: number): string {
  return error.name === 'TimeoutError' || error.code === 'ABORT_ERR'
    ? `no answer within ${timeoutMs / 1000} s`
    : systemMessage(error);
}

function describeTls(socket: TLSSocket): [string, boolean] {
  const { subject, valid_to: until } = socket.getPeerCertificate();
  const name = plainText(String(subject?.CN ?? 'without a name'), LONGEST_TEXT);
  const trust = socket.authorized ? 'trusted' : `not trusted: ${String(socket.authorizationError)}`;
  return [`${socket.getProtocol()}, certificate ${name}, valid until ${until}, ${trust}`, socket.authorized];
}

function location({ headers }: IncomingMessage): string {
  return headers.location === undefined ? '' : ` to ${plainText(headers.location, LONGEST_TEXT)}`;
}

/** Headers that explain the response. Info headers are off by default. The request ID identifies the request in the access log. */
function describeProxy({ headers }: IncomingMessage, body: string, requestId: string): Step[] {
  const proxy = textOf(headers['x-proxy-id']);
  const task = textOf(headers['x-upstream-addr']);
  const isOurs = proxy !== undefined || /<small>Request [\w.-]+<\/small>/.test(body);
  const id = `request ${requestId} in the access log`;
  const hint = 'the proxy does not identify itself (HideInfoHeaders)';
  return [
    {
      step: 'proxy',
      ok: true,
      text: `${proxy === undefined ? (isOurs ? 'answered by a proxy' : hint) : `proxy ${proxy}`}, ${id}`,
    },
    ...(task === undefined ? [] : [{ step: 'task' as const, ok: true, text: `task at ${task}` }]),
  ];
}

function textOf(header: string | string[] | undefined): string | undefined {
  return typeof header === 'string' ? plainText(header, LONGEST_TEXT) : undefined;
}

/** Maximum length of the body that is kept, enough for an error page. */
const MOST_BYTES = 4096;

async function readStart(response: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) {
    text += chunk;
    if (text.length > MOST_BYTES) break;
  }
  return text;
}

function since(at: number): number {
  return Math.round((performance.now() - at) * 10) / 10;
}
