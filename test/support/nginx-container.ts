import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { text as readText } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { ownerFlags } from '../../bed/owner.ts';
import { eventually } from './eventually.ts';
import { proxyImage } from './proxy-image.ts';

const run = promisify(execFile);

/** From here and not from the image, which may be older. */
const prepareMaterial = new URL('../../docker/proxy/prepare-material', import.meta.url);

/** Port of configurations that are started in a container. */
export const containerPort = 8000;
export const containerTlsPort = 8443;

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface Question {
  readonly host: string;
  readonly path?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** The proxies' nginx in a container as restricted as theirs: unprivileged, with only /tmp writable. */
export class NginxContainer implements AsyncDisposable {
  readonly #id: string;
  readonly port: number;
  readonly tlsPort: number;

  constructor(id: string, port: number, tlsPort: number) {
    this.#id = id;
    this.port = port;
    this.tlsPort = tlsPort;
  }

  static async start(): Promise<NginxContainer> {
    const writable = ['/tmp', '/run/secrets'].flatMap((path) => ['--tmpfs', `${path}:mode=1777`]);
    // Docker disables IPv6 in networks without it, also on the loopback interface.
    const ipv6 = ['--sysctl', 'net.ipv6.conf.lo.disable_ipv6=0'];
    const tight = ['--read-only', ...ipv6, ...writable, '--user', '101', '--cap-drop', 'ALL', '--init'];
    const published = [containerPort, containerTlsPort].flatMap((port) => ['--publish', `127.0.0.1::${port}`]);
    // Waits for its input, which stays open: the image has no sleep.
    const command = [...tight, ...published, '--interactive', '--entrypoint', 'cat', await proxyImage()];
    const { stdout } = await run('docker', ['run', ...ownerFlags(), '--detach', '--rm', ...command]);
    const id = stdout.trim();
    return new NginxContainer(id, await publishedPort(id, containerPort), await publishedPort(id, containerTlsPort));
  }

  /** nginx's output for each configuration. An empty string if it accepts without output. */
  async test(configurations: readonly string[]): Promise<string[]> {
    const split = 'signalbox-test-ends';
    const results: string[] = [];
    for (const text of configurations) {
      const output = await this.#shell(
        `cat >/tmp/test.conf; nginx -t -q -c /tmp/test.conf 2>&1 || echo ${split}`,
        text,
      );
      results.push(output.replace(split, 'refused').trim());
    }
    return results;
  }

  /** nginx's output for a configuration of several files, in a folder of their own. */
  async testFiles(files: readonly { readonly path: string; readonly text: string }[]): Promise<string> {
    const folder = '/tmp/files';
    await this.write(folder, Object.fromEntries(files.map(({ path, text }) => [path, text])));
    return this.#shell(`nginx -t -q -c ${folder}/${files[0]!.path} 2>&1`, '');
  }

  /** Starts nginx with a configuration as the proxies do, and waits until it answers. */
  async serve(text: string): Promise<void> {
    await this.#shell('sh -s cat', readFileSync(prepareMaterial, 'utf8'));
    await this.#shell('cat >/tmp/nginx.conf; nginx -c /tmp/nginx.conf', text);
    await eventually(() => this.ask({ host: 'anybody' }), { timeoutMs: 10_000, intervalMs: 50 });
  }

  /** Sends the path unchanged: these tests need what clients and URL parsers would normalize. */
  async ask({ host, path = '/', method = 'GET', headers = {}, body }: Question): Promise<Answer> {
    const options = {
      host: '127.0.0.1',
      port: this.port,
      path,
      method,
      headers: { host, ...headers },
      agent: false as const,
    };
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    httpRequest(options, (response) => {
      const { statusCode: status = 0 } = response;
      readText(response).then((body) => resolve({ status, headers: response.headers, body }), reject);
    })
      .on('error', reject)
      .end(body);
    return promise;
  }

  /** Applies another configuration in place, as the agents do. */
  async reload(text: string): Promise<void> {
    await this.#shell('cat >/tmp/nginx.conf; nginx -c /tmp/nginx.conf -s reload', text);
  }

  /** Files that a configuration refers to. */
  async write(folder: string, files: Readonly<Record<string, string | Buffer>>): Promise<void> {
    await this.#shell(`mkdir -p ${folder}`, '');
    for (const [name, content] of Object.entries(files)) await this.#shell(`cat >${folder}/${name}`, content);
  }

  /** Its address in its first network. */
  async address(): Promise<string> {
    const format = '{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}';
    return (await run('docker', ['inspect', this.#id, '--format', format])).stdout.trim().split(' ')[0]!;
  }

  /** Its address in another network, where it also has other names. */
  async join(network: string, names: readonly string[] = []): Promise<string> {
    await run('docker', ['network', 'connect', ...names.flatMap((name) => ['--alias', name]), network, this.#id]);
    const format = `{{(index .NetworkSettings.Networks "${network}").IPAddress}}`;
    return (await run('docker', ['inspect', this.#id, '--format', format])).stdout.trim();
  }

  /** Runs as long as the container. */
  async startBeside(...command: readonly string[]): Promise<void> {
    await run('docker', ['exec', '--detach', this.#id, ...command]);
  }

  /** curl's output, from inside the container. */
  async curl(...args: readonly string[]): Promise<string> {
    const { stdout } = await run('docker', [
      'exec',
      this.#id,
      'curl',
      '--silent',
      '--show-error',
      '--globoff',
      ...args,
    ]);
    return stdout;
  }

  async read(path: string): Promise<string> {
    return this.#shell(`cat ${path}`, '');
  }

  async readBytes(path: string): Promise<Buffer> {
    const { stdout } = await run('docker', ['exec', this.#id, 'cat', path], { encoding: 'buffer' });
    return stdout;
  }

  /** Names of the entries of a folder. */
  async list(folder: string): Promise<string[]> {
    const output = await this.#shell(`cd ${folder} && for name in *; do [ ! -e "$name" ] || echo "$name"; done`, '');
    return output.split('\n').filter((name) => name !== '');
  }

  async #shell(script: string, input: string | Buffer): Promise<string> {
    const child = spawn('docker', ['exec', '--interactive', this.#id, 'sh', '-c', script], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    child.stdin.end(input);
    const [output] = await Promise.all([readText(child.stdout), once(child, 'exit')]);
    return output;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await run('docker', ['rm', '--force', this.#id]);
  }
}

async function publishedPort(id: string, port: number): Promise<number> {
  const { stdout } = await run('docker', ['port', id, String(port)]);
  return Number(stdout.trim().split('\n')[0]!.split(':').at(-1));
}
