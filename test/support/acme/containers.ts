import { execFile } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { Agent } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ensureAcmeServers } from '../../../bed/acme.ts';
import { officials } from '../../../bed/base-references.ts';
import { hasImage } from '../../../bed/build-image.ts';
import { findEngine } from '../../../bed/engine.ts';
import { ownerFlags } from '../../../bed/owner.ts';
import { standIns } from '../../../bed/places.ts';
import { acmePort, acmeSecretTarget } from '../../../src/model/names.ts';
import { type AccountKey, createAccountKey } from '../../../src/protocol/acme-account.ts';
import { OrderResponse, RenewalInfoResponse } from '../../../src/protocol/acme-messages.ts';
import { send } from '../../../src/protocol/call.ts';
import { type Authority, createAuthority, issueIdentity } from '../../../src/protocol/certificates.ts';
import { acmeName, type Identity } from '../../../src/protocol/names.ts';
import { eventually } from '../eventually.ts';

const docker = async (...args: readonly string[]) => (await promisify(execFile)('docker', [...args])).stdout.trim();

/** Pebble's servers, a DNS server, and the service that orders certificates, in a network of their own. */
export class AcmeContainers implements AsyncDisposable {
  readonly network: string;
  readonly #containers: string[] = [];
  readonly #folder: string;
  readonly account: AccountKey = createAccountKey();
  #controller!: Authority;
  #dns = '';
  #tsig = '';
  #port = 0;
  #management = 0;

  private constructor(name: string, folder: string) {
    this.network = name;
    this.#folder = folder;
  }

  static async start(): Promise<AcmeContainers> {
    const folder = await mkdtemp(join(tmpdir(), 'signalbox-acme-'));
    const started = new AcmeContainers(`signalbox-acme-${randomUUID().slice(0, 8)}`, folder);
    try {
      await started.#start();
    } catch (error) {
      await started[Symbol.asyncDispose]();
      throw error;
    }
    return started;
  }

  async #start(): Promise<void> {
    await docker('network', 'create', ...ownerFlags(), this.network);
    const servers = await serversImage();
    const tsig = randomBytes(32).toString('base64');
    const dns = await this.#run('dns', ['--env', `TSIG_SECRET=${tsig}`, servers, 'dns-server']);
    this.#dns = dns;
    this.#tsig = tsig;
    const dnsAddress = await this.addressOf(dns);
    const ports = ['--publish', '127.0.0.1::8055', '--env', `DNS_SERVER=${dnsAddress}:53`, '--env', 'HTTP_PORT=8000'];
    const pebble = await this.#run('pebble', [...ports, servers, 'acme-servers']);
    this.#management = await portOf(pebble, 8055);
    const ca = await eventually(() => docker('exec', pebble, 'cat', '/tmp/pebble/ca.pem'), { timeoutMs: 20_000 });

    const authority = await createAuthority(Date.now());
    this.#controller = authority;
    await this.#write({
      [acmeSecretTarget]: JSON.stringify(await issueIdentity(authority, acmeName, Date.now())),
      account: this.account.key,
      ca,
      hmac: 'zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W\n',
      dns: [
        `RFC2136_NAMESERVER=${dnsAddress}:53`,
        'RFC2136_TSIG_KEY=acme.',
        'RFC2136_TSIG_ALGORITHM=hmac-sha256.',
        `RFC2136_TSIG_SECRET="${tsig}"`,
        'RFC2136_POLLING_INTERVAL=1',
        'RFC2136_PROPAGATION_TIMEOUT=30',
      ].join('\n'),
    });
    const tight = ['--read-only', '--tmpfs', '/tmp:mode=1777', '--cap-drop', 'ALL', '--dns', dnsAddress];
    const mounted = ['--volume', `${this.#folder}:/run/secrets:ro`, '--publish', `127.0.0.1::${acmePort}`];
    const service = await this.#run('acme', [...tight, ...mounted, await acmeImage()]);
    this.#port = await portOf(service, acmePort);
    await eventually(() => this.call('GET', '/health'), { timeoutMs: 20_000, intervalMs: 100 });
  }

  async #run(name: string, args: readonly string[]): Promise<string> {
    const flags = [...ownerFlags(), '--detach', '--network', this.network, '--network-alias', name];
    const id = await docker('run', ...flags, ...args);
    this.#containers.push(id);
    return id;
  }

  async #write(files: Readonly<Record<string, string>>): Promise<void> {
    await chmod(this.#folder, 0o755);
    for (const [name, text] of Object.entries(files)) await writeFile(join(this.#folder, name), text, { mode: 0o644 });
  }

  async addressOf(container: string): Promise<string> {
    return docker(
      'inspect',
      container,
      '--format',
      `{{(index .NetworkSettings.Networks "${this.network}").IPAddress}}`,
    );
  }

  /** All hosts lead to this address. */
  async leadTo(address: string): Promise<void> {
    const body = JSON.stringify({ ip: address });
    await fetch(`http://127.0.0.1:${this.#management}/set-default-ipv4`, { method: 'POST', body });
  }

  async call(method: string, path: string, body: unknown = {}, identity: Identity = this.#controller) {
    const agent = new Agent({ ...identity, keepAlive: false });
    const call = { host: '127.0.0.1', port: this.#port, agent, servername: acmeName, method, path };
    return send({ ...call, body: JSON.stringify(body), timeoutMs: 120_000 }, AbortSignal.timeout(120_000));
  }

  /** Orders at the usual server, over http-01. */
  async order(names: readonly string[], more: object = {}): Promise<OrderResponse> {
    const { status, text } = await this.call('POST', '/order', { ...usualOrder, names, ...more });
    if (status !== 200) throw new Error(`${status} ${text}`);
    return OrderResponse.parse(JSON.parse(text));
  }

  async renewalInfo(ari: string): Promise<RenewalInfoResponse> {
    const request = { directory: usualOrder.directory, ca: 'ca', ari };
    const { status, text } = await this.call('POST', '/renewal-info', request);
    if (status !== 200) throw new Error(`${status} ${text}`);
    return RenewalInfoResponse.parse(JSON.parse(text));
  }

  /** Of another program with the same CA. */
  async identity(name: string): Promise<Identity> {
    return issueIdentity(this.#controller, name, Date.now());
  }

  async txtRecords(name: string): Promise<string> {
    return docker('exec', this.#dns, 'kdig', '@127.0.0.1', name, 'TXT', '+short');
  }

  /** What must never be logged. */
  secretTexts(): readonly string[] {
    const [, body = ''] = this.account.key.split('\n');
    return [body, this.#tsig, 'zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W'];
  }

  /** Everything that the service wrote. */
  async log(): Promise<string> {
    return docker('logs', this.#containers.at(-1)!);
  }

  /** Files that orders left behind. */
  async remainders(): Promise<string> {
    const list = "console.log(require('node:fs').readdirSync('/tmp').join())";
    return docker('exec', this.#containers.at(-1)!, 'node', '-e', list);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#containers.length > 0) await docker('rm', '--force', '--volumes', ...this.#containers);
    await docker('network', 'rm', '--force', this.network);
    await rm(this.#folder, { recursive: true, force: true });
  }
}

const usualOrder = {
  directory: 'https://pebble:14000/dir',
  email: 'ops@example.org',
  accountKey: 'account',
  challenge: 'http-01',
  keyType: 'ec256',
  profile: '',
  preferredChain: '',
  externalAccountKid: '',
  externalAccountSecret: '',
  ca: 'ca',
  dnsProvider: '',
  dnsSecret: '',
};

async function portOf(container: string, port: number): Promise<number> {
  return Number((await docker('port', container, `${port}/tcp`)).split('\n')[0]!.split(':').at(-1));
}

async function serversImage(): Promise<string> {
  const engine = (await findEngine())!;
  const debian = (await hasImage(engine, standIns.debian)) ? standIns.debian : officials.debian;
  return ensureAcmeServers({ engine, bases: { debian } });
}

/** The newest image of the service that was built here. */
async function acmeImage(): Promise<string> {
  const [newest] = (await docker('images', 'signalbox/acme', '--format', '{{.Repository}}:{{.Tag}}')).split('\n');
  if (!newest) throw new Error('Image signalbox/acme not found: npm test builds it first.');
  return newest;
}
