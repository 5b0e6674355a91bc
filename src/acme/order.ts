import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { OrderRequest, OrderResponse } from '../protocol/acme-messages.ts';
import { factsOf } from './issued.ts';
import { failureOf } from './lego-failure.ts';
import { accountKeyPath, legoRun, parseCredentials, resultName } from './lego-run.ts';

export interface Surroundings {
  /** Folder of the mounted secrets. */
  readonly secrets: string;
  /** In memory: private keys are written here for the duration of an order. */
  readonly temporary: string;
}

/** Less than the controller waits. */
const TIMEOUT_MS = 8 * 60_000;
const MOST_OUTPUT = 1024 * 1024;

/** Runs one order in a folder of its own, and removes the folder whatever happens. */
export async function order(request: OrderRequest, surroundings: Surroundings): Promise<OrderResponse> {
  const missing = await missingSecrets(request, surroundings);
  if (missing !== undefined)
    return { kind: 'failed', failure: { kind: 'account', reason: `the secret ${missing} is not mounted yet` } };
  const folder = await mkdtemp(join(surroundings.temporary, 'order-'));
  try {
    return await orderIn(folder, request, surroundings);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function missingSecrets(request: OrderRequest, { secrets }: Surroundings): Promise<string | undefined> {
  const { accountKey, ca, dnsSecret, externalAccountSecret } = request;
  for (const name of [accountKey, ca, dnsSecret, externalAccountSecret]) {
    if (name === '') continue;
    const text = await readFile(join(secrets, name), 'utf8').catch(() => undefined);
    if (text === undefined) return name;
  }
  return undefined;
}

async function orderIn(folder: string, request: OrderRequest, { secrets }: Surroundings): Promise<OrderResponse> {
  const webroot = join(folder, 'web');
  const key = join(folder, accountKeyPath(request));
  await mkdir(webroot);
  await mkdir(dirname(key), { recursive: true });
  await copyFile(join(secrets, request.accountKey), key);
  const hmac = request.externalAccountSecret === '' ? '' : await readSecret(secrets, request.externalAccountSecret);
  let dns: Record<string, string>;
  try {
    dns = request.dnsSecret === '' ? {} : parseCredentials(await readSecret(secrets, request.dnsSecret));
  } catch (error) {
    return { kind: 'failed', failure: { kind: 'dns', reason: (error as Error).message } };
  }
  const { args, env } = legoRun(request, { folder, webroot, secrets }, { hmac, dns });
  const output = await runLego(args, env, folder);
  if (output !== undefined)
    return { kind: 'failed', failure: failureOf(without(output, [hmac, ...Object.values(dns)])) };
  const results = join(folder, 'certificates', resultName(request.names));
  const chain = await readFile(`${results}.crt`, 'utf8');
  return { kind: 'issued', chain, key: await readFile(`${results}.key`, 'utf8'), ...factsOf(chain) };
}

async function readSecret(folder: string, name: string): Promise<string> {
  return (await readFile(join(folder, name), 'utf8')).trim();
}

/** Returns lego's output if it fails. */
function runLego(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  cwd: string,
): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  const options = { env, cwd, timeout: TIMEOUT_MS, maxBuffer: MOST_OUTPUT, encoding: 'utf8' } as const;
  execFile('lego', args, options, (error, stdout, stderr) => {
    if (error === null) resolve(undefined);
    else if (error.killed) resolve(`lego timed out after ${TIMEOUT_MS / 60_000} minutes`);
    else resolve(stdout + stderr || error.message);
  });
  return promise;
}

/** A provider's error may quote its settings. */
function without(output: string, secrets: readonly string[]): string {
  return secrets.filter((secret) => secret.length >= 6).reduce((text, secret) => text.replaceAll(secret, '…'), output);
}
