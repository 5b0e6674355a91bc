import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { buildDesiredState } from '../../src/model/desired-state.ts';
import { toRenderInput } from '../../src/model/render-input.ts';
import type { Peer, Route } from '../../src/model/route.ts';
import { parseSettings } from '../../src/model/settings/settings.ts';
import type { SwarmService } from '../../src/model/snapshot.ts';
import { aNetwork } from './builders.ts';
import { eventually } from './eventually.ts';
import { render } from './golden.ts';
import { containerPort, containerTlsPort, NginxContainer } from './nginx-container.ts';
import { type Http2Answer, head, type RawAnswer, rawRequest, valuesOf } from './raw-request.ts';

const application = readFileSync(new URL('./odd-app.mjs', import.meta.url));
const authenticator = readFileSync(new URL('./authenticator.mjs', import.meta.url));

/** Tasks of a service, by its port: ports on the container's loopback interface. Nothing listens on 9009. */
const tasks: Readonly<Record<number, readonly number[]>> = {
  8080: [9001],
  8082: [9001, 9002],
  8083: [9009, 9001],
  8084: [9009],
  8085: [9003],
  8086: [9004],
  8087: [9002],
  8088: [9002],
  9091: [9005],
  // An outside host: nginx itself.
  443: [containerTlsPort],
};
export const onePort = '8080';
export const twoTasks = '8082';
export const oneDeadTask = '8083';
export const deadOnly = '8084';
/** Speaks HTTP/2 without TLS. */
export const http2Port = '8085';
/** A task that no other port has alone. */
export const otherTask = '8087';
/** A task with an IPv6 address. */
export const ipv6Task = '8088';
/** For a server that the test adds to nginx. */
export const ownPort = '8086';

interface Options {
  /** Keys of `[Extensions.default]`. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** `[Policies.<name>]`, by name. */
  readonly policies?: Readonly<Record<string, object>>;
  /** Secrets, by name. */
  readonly secrets?: Readonly<Record<string, string>>;
}

/**
 * nginx in a container with the configuration of these services, and test/support/odd-app.mjs beside it as their tasks.
 */
export async function startOddNginx(
  services: readonly SwarmService[],
  { settings = {}, policies = {}, secrets = {} }: Options = {},
): Promise<NginxContainer> {
  const [main, ...parts] = renderBeside(services, settings, policies, Object.keys(secrets));
  const nginx = await NginxContainer.start();
  try {
    await nginx.write('/run/secrets', secrets);
    await nginx.write('/tmp', { 'odd-app.mjs': application, 'authenticator.mjs': authenticator });
    await nginx.startBeside('sh', '-c', 'PORT=9005 exec node /tmp/authenticator.mjs');
    await nginx.startBeside('sh', '-c', 'PORTS=9001,9002 HTTP2_PORTS=9003 exec node /tmp/odd-app.mjs');
    await nginx.write('/tmp', Object.fromEntries(parts.map(({ path, text }) => [path, text])));
    await nginx.serve(main!.text);
    // Ports 9003 and 9005, the last ones.
    await eventually(
      async () => {
        const ports = await nginx.read('/proc/net/tcp /proc/net/tcp6');
        for (const port of [/:232B /, /:232D /]) expect(ports).toMatch(port);
      },
      { timeoutMs: 10_000, intervalMs: 50 },
    );
  } catch (error) {
    await nginx[Symbol.asyncDispose]();
    throw error;
  }
  return nginx;
}

function renderBeside(
  services: readonly SwarmService[],
  more: object,
  policies: object,
  secretNames: readonly string[],
) {
  const extension = { TargetPort: containerPort, TargetSSLPort: containerTlsPort, ...more };
  const { settings, problems } = parseSettings({ Policies: policies, Extensions: { default: extension } }, '1');
  expect(problems, 'problems of the settings').toEqual([]);
  const secrets = secretNames.map((name) => ({ id: name, name, createdAt: '', labels: {} }));
  const nothing = { nodes: [], hostTasks: [], configs: [], owned: [] };
  const snapshot = { services, networks: [aNetwork('app')], secrets, ...nothing };
  const [state] = buildDesiredState(snapshot, settings).clusters;
  const input = toRenderInput(state!);
  const streams = input.streams.map((stream) => {
    const { backend } = stream;
    if (backend.kind === 'unavailable') return stream;
    return { ...stream, backend: { ...backend, peers: backend.peers.flatMap(tasksOnLoopback) } };
  });
  return render({ ...input, routes: input.routes.map(onLoopback), streams }).files;
}

function onLoopback(route: Route): Route {
  const { backend, options } = route;
  const { forwardAuth, fallback, mirror, errorPages } = options;
  const copied = mirror && { ...mirror, peers: mirror.peers.flatMap(tasksOnLoopback) };
  const instead = fallback && { ...fallback, peers: fallback.peers.flatMap(tasksOnLoopback) };
  const paged = errorPages && { ...errorPages, peers: errorPages.peers.flatMap(tasksOnLoopback) };
  if (backend.kind === 'unavailable')
    return { ...route, options: { ...options, fallback: instead, errorPages: paged } };
  const asked = forwardAuth && { ...forwardAuth, peers: forwardAuth.peers.flatMap(tasksOnLoopback) };
  const peers = backend.peers.flatMap(tasksOnLoopback);
  return {
    ...route,
    backend: { kind: 'peers', peers },
    options: { ...options, forwardAuth: asked, fallback: instead, mirror: copied, errorPages: paged },
  };
}

function tasksOnLoopback(peer: Peer): Peer[] {
  const address = peer.port === Number(ipv6Task) ? '::1' : '127.0.0.1';
  return (tasks[peer.port] ?? []).map((port) => ({ ...peer, address, port, resolve: false }));
}

/** What reached the application. */
export interface Arrived {
  readonly port: number;
  readonly method: string;
  readonly url: string;
  readonly httpVersion: string;
  readonly length: number;
  /** Names in lower case, in the order received. */
  readonly headers: RawAnswer['headers'];
  /** The value of a header that arrived once. An array if it arrived several times, undefined if it did not arrive. */
  header(name: string): string | string[] | undefined;
}

interface Report extends Omit<Arrived, 'headers' | 'header'> {
  readonly rawHeaders: readonly string[];
}

/** The application's report in an answer, which must be 200. */
export function arrived(answer: Pick<RawAnswer | Http2Answer, 'status' | 'body'>): Arrived {
  expect(answer.status, answer.body).toBe(200);
  return toArrived(JSON.parse(answer.body));
}

export function toArrived({ rawHeaders, ...rest }: Report): Arrived {
  const headers = Array.from(
    { length: rawHeaders.length / 2 },
    (_, n) => [rawHeaders[2 * n]!.toLowerCase(), rawHeaders[2 * n + 1]!] as const,
  );
  const header = (name: string) => {
    const values = valuesOf(headers, name);
    return values.length > 1 ? values : values[0];
  };
  return { ...rest, headers, header };
}

interface Get {
  readonly method?: string;
  readonly version?: string;
  /** `Name: value`. */
  readonly headers?: readonly string[];
}

/** An ordinary request without a body, with the given target and headers unchanged. */
export function get(
  nginx: NginxContainer,
  host: string,
  target = '/',
  { method = 'GET', version = '1.1', headers = [] }: Get = {},
): Promise<RawAnswer> {
  return rawRequest({ port: nginx.port }, head(`${method} ${target} HTTP/${version}`, `Host: ${host}`, ...headers));
}
