import { detached } from '../lib/detached.ts';
import { digest } from '../lib/digest.ts';
import { NginxTextError, readStatements } from './statements.ts';

/** What a configuration answers, read from its text: also of versions that earlier releases rendered. */
export interface Answers {
  /** By host and path, or by port and protocol for connections. */
  readonly routes: ReadonlyMap<string, RouteText>;
  /** Services by name of the upstream. */
  readonly upstreams: ReadonlyMap<string, readonly string[]>;
  /** Digest of all that belongs to no route. */
  readonly common: string;
}

export interface RouteText {
  readonly host: string;
  /** Upstreams, or a word such as `redirect`. */
  readonly targets: readonly string[];
  /** Digest of the text. */
  readonly digest: string;
}

interface Route {
  readonly host: string;
  readonly targets: Set<string>;
  readonly lines: string[];
}

interface Block {
  readonly kind: string;
  readonly args: readonly string[];
}

const OWN_LOCATION = /^(?:@|\/\.signalbox)/;
const UPSTREAM = /^[a-z]*:?\/{0,2}([0-9a-f]{16}-[^$/]+)/;

/** Reads the servers of a file. Ignores the rest of a text that nginx would reject. */
export function readAnswers(text: string): Answers {
  const reader = new AnswerReader();
  try {
    readStatements(text, {
      statement: ({ words, opens }) => {
        if (opens) reader.open(words);
        else reader.statement(words);
        return undefined;
      },
      close: () => reader.close(),
    });
  } catch (error) {
    if (!(error instanceof NginxTextError)) throw error;
  }
  return reader.result();
}

class AnswerReader {
  readonly #open: Block[] = [];
  readonly #routes = new Map<string, Route>();
  readonly #upstreams = new Map<string, Set<string>>();
  readonly #common: string[] = [];
  /** Of the current server, until it is closed. */
  #names: string[] = [];
  #ports: string[] = [];
  #lines: string[] = [];
  #locations = new Map<string, Pick<Route, 'targets' | 'lines'>>();

  open(words: readonly string[]): void {
    const [kind = '', ...args] = words;
    this.#open.push({ kind, args });
    if (kind === 'server' && !this.#isIn('upstream')) this.#begin();
    else this.#line(words);
  }

  statement(words: readonly string[]): void {
    const [name = '', ...args] = words;
    const upstream = this.#block('upstream');
    if (upstream !== undefined && !this.#isIn('server')) this.#inUpstream(upstream, name, args);
    else if (!this.#isIn('server')) this.#common.push(words.join(' '));
    else this.#inServer(name, args, words);
  }

  close(): void {
    const closed = this.#open.pop();
    if (closed?.kind === 'server' && !this.#isIn('upstream')) this.#end();
  }

  result(): Answers {
    const routes = [...this.#routes].map(
      ([key, { host, targets, lines }]) =>
        [key, { host, targets: [...targets], digest: digest(lines.join('\n')) }] as const,
    );
    const upstreams = [...this.#upstreams].map(([name, services]) => [name, [...services]] as const);
    return { routes: new Map(routes), upstreams: new Map(upstreams), common: digest(this.#common.join('\n')) };
  }

  #begin(): void {
    this.#names = [];
    this.#ports = [];
    this.#lines = [];
    this.#locations = new Map();
  }

  #inUpstream({ args: [name = ''] }: Block, directive: string, [endpoint = '']: readonly string[]): void {
    const services = this.#upstreams.get(name) ?? new Set();
    this.#upstreams.set(name, directive === 'server' ? services.add(serviceOf(endpoint)) : services);
  }

  #inServer(name: string, args: readonly string[], words: readonly string[]): void {
    if (name === 'server_name') this.#names.push(...args);
    if (name === 'listen') this.#ports.push(...portOf(args));
    this.#line(words);
    const target = targetOf(name, args, this.#open.at(-1)?.kind === 'if');
    const location = this.#block('location');
    const isOfRoute = location === undefined || !isOwn(location);
    if (target !== undefined && isOfRoute) this.#location().targets.add(target);
  }

  #line(words: readonly string[]): void {
    if (!this.#isIn('server')) return;
    const location = this.#block('location');
    if (location === undefined) this.#lines.push(words.join(' '));
    else if (!isOwn(location)) this.#location().lines.push(words.join(' '));
  }

  /** The current location, or the server itself. */
  #location(): Pick<Route, 'targets' | 'lines'> {
    const location = this.#block('location');
    const path = location === undefined || isOwn(location) ? '' : pathOf(location);
    const found = this.#locations.get(path) ?? { targets: new Set<string>(), lines: [] };
    this.#locations.set(path, found);
    return found;
  }

  #end(): void {
    // The servers for all other hosts belong to no route.
    const hosts = this.#names.filter((name) => name !== '_' && name !== '');
    const names = hosts.length > 0 ? hosts : this.#names.length === 0 ? this.#ports : [];
    if (names.length === 0)
      this.#common.push(...this.#lines, ...[...this.#locations.values()].flatMap(({ lines }) => lines));
    for (const name of names)
      for (const [path, { targets, lines }] of this.#locations)
        this.#add(name, path, targets, [...this.#lines, ...lines]);
  }

  #add(host: string, path: string, targets: ReadonlySet<string>, lines: readonly string[]): void {
    if (targets.size === 0) return;
    const key = detached(`${host}${path === '/' ? '' : path}`);
    const known = this.#routes.get(key) ?? { host: detached(host), targets: new Set<string>(), lines: [] };
    for (const target of targets) known.targets.add(detached(target));
    known.lines.push(...lines);
    this.#routes.set(key, known);
  }

  #isIn(kind: string): boolean {
    return this.#block(kind) !== undefined;
  }

  #block(kind: string): Block | undefined {
    return this.#open.findLast((block) => block.kind === kind);
  }
}

function isOwn({ args }: Block): boolean {
  return OWN_LOCATION.test(args.at(-1) ?? '');
}

/** `= /api` and `/api/` are the same route. */
function pathOf({ args }: Block): string {
  const path = args.at(-1) ?? '';
  return path.length > 1 ? path.replace(/\/$/, '') : path;
}

/** A port of TCP or UDP connections; none for the ports of this machine alone. */
function portOf([address = '', ...options]: readonly string[]): string[] {
  const port = /^(?:\[::\]:|\*:|0\.0\.0\.0:)?(\d+)$/.exec(address)?.[1];
  return port === undefined ? [] : [`${port}/${options.includes('udp') ? 'udp' : 'tcp'}`];
}

function targetOf(name: string, args: readonly string[], isConditional: boolean): string | undefined {
  const [first = '', second = ''] = args;
  if (name === 'proxy_pass' || name === 'grpc_pass') return UPSTREAM.exec(first)?.[1] ?? 'other';
  if (name !== 'return' || isConditional) return undefined;
  if (first.startsWith('30')) return 'redirect';
  if (second.includes('maintenance')) return 'maintenance';
  return first === '503' ? 'no service' : undefined;
}

/** `tasks.shop_web.apps:8080` and `shop_web.apps:8080` are names of the service `shop_web`; an address stands for itself. */
function serviceOf(endpoint: string): string {
  if (/^[\d.]+(?::\d+)?$/.test(endpoint) || endpoint.startsWith('[')) return detached(endpoint);
  const [first = '', second = ''] = endpoint.replace(/:\d+$/, '').split('.');
  return detached(first === 'tasks' && second !== '' ? second : first);
}

/** The answers of a configuration of several files. */
export function mergeAnswers(files: readonly Answers[]): Answers {
  return {
    routes: new Map(files.flatMap(({ routes }) => [...routes])),
    upstreams: new Map(files.flatMap(({ upstreams }) => [...upstreams])),
    common: files.map(({ common }) => common).join(' '),
  };
}
