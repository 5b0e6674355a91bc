import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { frame, readFrames } from './rpc-frames.ts';

interface Message {
  readonly id?: number | string;
  readonly method?: string;
  readonly params?: unknown;
  readonly result?: unknown;
  readonly error?: { readonly message: string };
}

export interface Position {
  readonly line: number;
  readonly character: number;
}

export interface Diagnostic {
  readonly message: string;
  readonly range: { readonly start: Position };
}

const REQUEST_MS = 20_000;

/** A language server as an editor uses it, over its standard streams. */
export class LanguageServer implements AsyncDisposable {
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>();
  readonly #diagnostics = new Map<string, PromiseWithResolvers<readonly Diagnostic[]>>();
  readonly #configuration: unknown;
  readonly #configured = Promise.withResolvers<void>();
  #ids = 0;

  private constructor(command: string, args: readonly string[], cwd: string, configuration: unknown) {
    this.#configuration = configuration;
    this.#process = spawn(command, args, { cwd });
    this.#process.stdout.on(
      'data',
      readFrames((message) => this.#take(message as Message)),
    );
  }

  static async start(
    [command, ...args]: readonly [string, ...string[]],
    folder: string,
    configuration: unknown = {},
  ): Promise<LanguageServer> {
    const server = new LanguageServer(command, args, folder, configuration);
    const rootUri = `file://${folder}`;
    const textDocument = {
      hover: { contentFormat: ['markdown'] },
      completion: { completionItem: { documentationFormat: ['markdown'] } },
    };
    const capabilities = { textDocument, workspace: { configuration: true } };
    await server.request('initialize', { processId: process.pid, rootUri, capabilities });
    server.#send({ method: 'initialized', params: {} });
    server.#send({ method: 'workspace/didChangeConfiguration', params: { settings: configuration } });
    // It treats documents in another way before.
    await server.#configured.promise;
    return server;
  }

  /** Resolves with what the server reports about the document. */
  open(uri: string, languageId: string, text: string): Promise<readonly Diagnostic[]> {
    const reported = Promise.withResolvers<readonly Diagnostic[]>();
    this.#diagnostics.set(uri, reported);
    this.#send({ method: 'textDocument/didOpen', params: { textDocument: { uri, languageId, version: 1, text } } });
    return reported.promise;
  }

  /** Labels of the suggestions. */
  async complete(uri: string, position: Position): Promise<string[]> {
    const result = await this.request('textDocument/completion', { textDocument: { uri }, position });
    const items = (Array.isArray(result) ? result : ((result as { items?: unknown[] } | null)?.items ?? [])) as {
      label: string;
    }[];
    return items.map(({ label }) => label);
  }

  async hover(uri: string, position: Position): Promise<string> {
    const result = await this.request('textDocument/hover', { textDocument: { uri }, position });
    return JSON.stringify(result);
  }

  async request(method: string, params: unknown): Promise<unknown> {
    const id = ++this.#ids;
    const waiting = Promise.withResolvers<unknown>();
    this.#waiting.set(id, waiting);
    const late = setTimeout(() => waiting.reject(new Error(`No answer to ${method}`)), REQUEST_MS);
    this.#send({ id, method, params });
    return waiting.promise.finally(() => clearTimeout(late));
  }

  #send(message: Message): void {
    this.#process.stdin.write(frame({ jsonrpc: '2.0', ...message }));
  }

  #take({ id, method, params, result, error }: Message): void {
    if (method === 'textDocument/publishDiagnostics') {
      const { uri, diagnostics } = params as { uri: string; diagnostics: readonly Diagnostic[] };
      this.#diagnostics.get(uri)?.resolve(diagnostics);
    } else if (method !== undefined && id !== undefined) {
      const { items = [] } = (params ?? {}) as { items?: readonly { section?: string }[] };
      const isConfiguration = method === 'workspace/configuration';
      this.#send({ id, result: isConfiguration ? items.map((item) => this.#section(item)) : null });
      if (isConfiguration) this.#configured.resolve();
    } else if (typeof id === 'number') {
      const waiting = this.#waiting.get(id);
      if (error === undefined) waiting?.resolve(result);
      else waiting?.reject(new Error(error.message));
    }
  }

  #section({ section }: { readonly section?: string }): unknown {
    if (section === undefined) return this.#configuration;
    return (this.#configuration as Readonly<Record<string, unknown>>)[section] ?? null;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = new Promise((resolve) => this.#process.once('exit', resolve));
    this.#process.kill('SIGKILL');
    await ended;
  }
}
