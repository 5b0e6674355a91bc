import { execFile, spawn } from 'node:child_process';
import { text as readText } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { buildDesiredState } from '../../src/model/desired-state.ts';
import { toRenderInput } from '../../src/model/render-input.ts';
import type { Route } from '../../src/model/route.ts';
import { type Material, unknownMaterial } from '../../src/model/secrets/material.ts';
import { parseSettings } from '../../src/model/settings/settings.ts';
import type { SwarmService } from '../../src/model/snapshot.ts';
import { aNetwork } from './builders.ts';
import { render } from './golden.ts';
import { containerPort, containerTlsPort } from './nginx-container.ts';

const run = promisify(execFile);

/** The configuration for services whose tasks are servers of the same nginx. Those of port 8080 are at 9001. */
export function renderOnLoopback(
  services: readonly SwarmService[],
  secrets: readonly string[],
  more: Readonly<Record<string, unknown>>,
  material: Material = unknownMaterial,
): string {
  const extension = { TargetPort: containerPort, TargetSSLPort: containerTlsPort, ...more };
  const { settings } = parseSettings({ Extensions: { default: extension } }, '1');
  const stored = secrets.map((name) => ({ id: name, name, createdAt: '', labels: {} }));
  const nothing = { nodes: [], hostTasks: [], configs: [], owned: [] };
  const snapshot = { services, networks: [aNetwork('app')], secrets: stored, ...nothing };
  const [state] = buildDesiredState(snapshot, settings, [], material).clusters;
  const input = toRenderInput(state!);
  return render({ ...input, routes: input.routes.map(onLoopback) }).files[0]!.text;
}

function onLoopback(route: Route): Route {
  const { backend } = route;
  if (backend.kind === 'unavailable') return route;
  const [{ port } = { port: 0 }] = backend.peers;
  const peers = [{ address: '127.0.0.1', port: port === 8080 ? 9001 : port, resolve: false }];
  return { ...route, backend: { kind: 'peers', peers } };
}

/** curl's result for a host over TLS. `code` is curl's exit code, 35 if the handshake fails. */
export async function curlAt(port: number, host: string, ...more: string[]) {
  const options = ['--silent', '--insecure', '--verbose', '--include', '--http2', '--max-time', '10'];
  const target = ['--resolve', `${host}:${port}:127.0.0.1`, `https://${host}:${port}/`];
  try {
    const { stdout, stderr } = await run('curl', [...options, ...more, ...target]);
    return { code: 0, out: stdout, verbose: stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, out: stdout, verbose: stderr };
  }
}

/** The output of `openssl s_client` for a request. */
export async function openssl(port: number, request: string, options: readonly string[]): Promise<string> {
  const child = spawn('openssl', ['s_client', '-connect', `127.0.0.1:${port}`, '-quiet', ...options], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  // A failed handshake closes it early.
  child.stdin.on('error', () => {});
  child.stdin.end(request);
  const [out, complaint] = await Promise.all([readText(child.stdout), readText(child.stderr)]);
  return out + complaint;
}
