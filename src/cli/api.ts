import { X509Certificate } from 'node:crypto';
import { request } from 'node:https';
import { text } from 'node:stream/consumers';
import { checkServerIdentity, type PeerCertificate } from 'node:tls';
import type { State } from '../controller/admin/state.ts';
import { systemMessage } from '../lib/system-message.ts';
import type { Options, Values } from './command.ts';
import { readText } from './files.ts';
import { type Io, UsageError } from './io.ts';
import { passwordOption, readPassword } from './password.ts';

/** Options of the commands that call a controller. Each one also has an environment variable, except `--insecure`. */
export const apiOptions = {
  url: {
    type: 'string',
    value: 'url',
    description: 'URL of the controller, or SIGNALBOX_URL. Default: https://127.0.0.1:9443.',
  },
  user: { type: 'string', value: 'name', description: 'User name, or SIGNALBOX_USER. Default: admin.' },
  ...passwordOption,
  'token-file': {
    type: 'string',
    value: 'file',
    description:
      'File with an API token, instead of user and password; or SIGNALBOX_TOKEN_FILE, or the token in SIGNALBOX_TOKEN.',
  },
  ca: {
    type: 'string',
    value: 'file',
    description: 'CA certificate (PEM) of the controller, or SIGNALBOX_CA. Default: the CAs trusted by the system.',
  },
  insecure: {
    type: 'boolean',
    description: 'Skip TLS verification. Your password is sent to any server that answers.',
  },
} as const satisfies Options;

/** The API cannot be reached, sign-in failed, or the API rejected the request. */
export class ApiError extends Error {
  /** Whether the API accepted the sign-in but rejected the request. */
  readonly refused: boolean;

  constructor(message: string, { refused = false, cause }: { refused?: boolean; cause?: unknown } = {}) {
    super(message, { cause });
    this.refused = refused;
  }
}

/** Name in the certificate that the controller issues for itself. It does not depend on the controller's address. */
const OWN_NAME = 'admin.signalbox';
const TIMEOUT_MS = 30_000;

interface Connection {
  readonly url: URL;
  readonly ca: string | undefined;
  readonly insecure: boolean;
}

/** The API of a controller, signed in. */
export class Api {
  readonly #connection: Connection;
  readonly #token: string | undefined;

  private constructor(connection: Connection, token: string | undefined) {
    this.#connection = connection;
    this.#token = token;
  }

  static async connect(values: Values<typeof apiOptions>, io: Io): Promise<Api> {
    const { env } = io;
    const caFile = values.ca ?? env.SIGNALBOX_CA;
    const connection = {
      url: parseUrl(values.url ?? env.SIGNALBOX_URL ?? 'https://127.0.0.1:9443'),
      ca: caFile === undefined ? undefined : await readCertificates(caFile, io),
      insecure: values.insecure ?? false,
    };
    const token = await readToken(values, io);
    if (token !== undefined) return new Api(connection, token);
    const username = values.user ?? env.SIGNALBOX_USER ?? 'admin';
    const password = await readPassword(values, `Password of ${username}: `, io);
    if (password === undefined) return new Api(connection, undefined);
    const answer = await send(connection, 'POST', '/auth/login', undefined, { username, password });
    return new Api(connection, (parseAnswer(answer) as { auth_token: string }).auth_token);
  }

  async state(): Promise<State> {
    return (await this.call('GET', '/api/state')) as State;
  }

  /** Resolves with the response's JSON. Undefined if there is no body. */
  async call(method: string, path: string, body?: unknown): Promise<unknown> {
    return parseAnswer(await send(this.#connection, method, path, this.#token, body));
  }

  async text(path: string): Promise<string> {
    return (await send(this.#connection, 'GET', path, this.#token, undefined)).text;
  }
}

/** Checks the certificates here: later, OpenSSL's message would not name the file. */
async function readCertificates(file: string, io: Io): Promise<string> {
  const text = await readText(file, io);
  try {
    new X509Certificate(text);
    return text;
  } catch {
    throw new UsageError(`${file} contains no certificate (PEM).`);
  }
}

function parseUrl(text: string): URL {
  const url = URL.parse(text);
  if (url?.protocol !== 'https:') throw new UsageError(`${text} is not a URL such as https://127.0.0.1:9443.`);
  return url;
}

/** Options take precedence over the environment: with `--password-file`, a token in the environment is ignored. */
async function readToken(values: Values<typeof apiOptions>, io: Io): Promise<string | undefined> {
  const { env } = io;
  if (values['token-file'] === undefined && values['password-file'] !== undefined) return undefined;
  const file = values['token-file'] ?? env.SIGNALBOX_TOKEN_FILE;
  return (file === undefined ? env.SIGNALBOX_TOKEN : await readText(file, io))?.trim();
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

async function send(
  connection: Connection,
  method: string,
  path: string,
  token: string | undefined,
  body: unknown,
): Promise<Answer> {
  const answer = await exchange(connection, method, path, token, body).catch((error: NodeJS.ErrnoException) => {
    throw new ApiError(unreachable(connection, error), { cause: error });
  });
  if (answer.status === 401) throw new ApiError(`${detailOf(answer) ?? 'Sign-in failed'}${passwordHint(token)}`);
  if (answer.status >= 400) {
    throw new ApiError(detailOf(answer) ?? `The API returned status ${answer.status}`, {
      refused: answer.status < 500,
    });
  }
  return answer;
}

function parseAnswer({ text }: Answer): unknown {
  try {
    return text === '' ? undefined : JSON.parse(text);
  } catch (cause) {
    throw new ApiError('The response is not from a Signalbox controller', { cause });
  }
}

/** The problem details (RFC 9457) of a response, if it has any. */
function detailOf({ text }: Answer): string | undefined {
  try {
    const { title, detail } = JSON.parse(text) as { readonly title?: string; readonly detail?: string };
    return [title, detail].filter((part) => part !== undefined).join(': ') || undefined;
  } catch {
    return undefined;
  }
}

function passwordHint(token: string | undefined): string {
  return token === undefined ? ' (see --user, --password-file and --token-file)' : '';
}

const UNTRUSTED = ['SELF_SIGNED_CERT_IN_CHAIN', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'DEPTH_ZERO_SELF_SIGNED_CERT'];
const UNTRUSTED_HINT = 'its certificate is not signed by a trusted CA (see --ca)';

function unreachable({ url }: Connection, error: NodeJS.ErrnoException): string {
  return `${url.origin} cannot be reached: ${UNTRUSTED.includes(error.code ?? '') ? UNTRUSTED_HINT : systemMessage(error)}`;
}

function exchange(
  { url, ca, insecure }: Connection,
  method: string,
  path: string,
  token: string | undefined,
  body: unknown,
): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const json = body === undefined ? undefined : JSON.stringify(body);
  const headers = {
    accept: 'application/json',
    ...(json === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(json) }),
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
  };
  const trust = {
    ...(ca === undefined ? {} : { ca, checkServerIdentity: checkIdentity }),
    rejectUnauthorized: !insecure,
  };
  const options = { method, headers, timeout: TIMEOUT_MS, ...trust };
  const outgoing = request(new URL(path, url), options, (response) => {
    text(response).then((received) => resolve({ status: response.statusCode ?? 0, text: received }), reject);
  });
  outgoing.on('timeout', () => outgoing.destroy(new Error(`timed out after ${TIMEOUT_MS / 1000} s`)));
  outgoing.on('error', reject);
  outgoing.end(json);
  return promise;
}

/** Also accepts the controller's own name. Used only with `--ca`. */
function checkIdentity(host: string, certificate: PeerCertificate): Error | undefined {
  return checkServerIdentity(host, certificate) && checkServerIdentity(OWN_NAME, certificate);
}
