import { memoize } from '../lib/memo.ts';
import type { RenderInput } from '../model/render-input.ts';
import type { Route } from '../model/route.ts';
import { isSecretsFile } from '../model/secrets/secret-files.ts';
import type { StreamRoute } from '../model/streams/stream-route.ts';
import type { RenderAnswer, Rendering } from '../model/version.ts';
import { versionFault } from '../model/version-digest.ts';
import { SILENCE_MS } from '../protocol/call.ts';
import { differenceOf } from '../protocol/difference.ts';
import { RenderResponse } from '../protocol/render-messages.ts';
import { routeFault } from '../protocol/route-message.ts';
import { streamFault } from '../protocol/stream-message.ts';
import { type ExtensionChannel, LinkError, shortened } from './extension-channel.ts';
import { toProblems, unsendable } from './rendering-problems.ts';

const TIMEOUT_MS = 120_000;
/** An extension does nothing else while it renders thousands of routes. */
const SILENCE_MS_PER_ROUTE = 3;

/** The last render request to an extension and its response. */
export interface Remembered {
  /** The request without its routes. */
  readonly frame: string;
  readonly routes: readonly Route[];
  readonly response: RenderedResponse;
}

/** A request as it is sent, and the routes that cannot be sent. */
export interface Request {
  readonly input: RenderInput;
  readonly faulty: readonly Route[];
  readonly faultyStreams: readonly StreamRoute[];
  /** The request without its routes. */
  readonly frame: string;
}

type Rendered = Extract<RenderResponse, { kind: 'rendered' }>;
export type RenderedResponse =
  | Exclude<RenderResponse, Rendered>
  | (Omit<Rendered, 'files'> & { readonly files: Rendering['files'] });

/** Returns the same list for the same routes. */
const sendable = memoize((routes: readonly Route[]) => routes.filter((route) => routeFault(route) === undefined));

/** A value that the extension would reject only skips the route and does not block the cluster's other changes. */
export function toRequest(wanted: RenderInput): Request {
  const faulty = wanted.routes.filter((route) => routeFault(route) !== undefined);
  const faultyStreams = wanted.streams.filter((stream) => streamFault(stream) !== undefined);
  const sent = faulty.length === 0 ? wanted : { ...wanted, routes: sendable(wanted.routes) };
  const streams = wanted.streams.filter((stream) => !faultyStreams.includes(stream));
  const input = { ...sent, streams };
  const { routes: _, ...rest } = input;
  return { input, faulty, faultyStreams, frame: JSON.stringify(rest) };
}

interface Asked {
  readonly service: string;
  readonly input: RenderInput;
  readonly last: Remembered | undefined;
  readonly boot: string | undefined;
}

/** Sends the difference to the last request, or everything if the extension no longer knows that request. */
export async function askToRender(
  channel: ExtensionChannel,
  { service, input, last, boot }: Asked,
  signal: AbortSignal,
): Promise<RenderedResponse> {
  const before = last?.response.kind === 'rendered' ? last.response : undefined;
  const difference = before && differenceOf(last!.routes, input.routes);
  const texts = new Map(before?.files.map(({ digest, text }) => [digest, text]));
  const sent = new Set(texts.keys());
  const post = (routes: object, digests: readonly string[]) => {
    const secretFiles = digests.length === 0 ? input.secretFiles : withoutTexts(input.secretFiles, sent);
    const body = JSON.stringify({ ...input, secretFiles, routes, boot, known: digests });
    const call = { service, cluster: input.cluster, method: 'POST', path: '/render', body };
    const silenceMs = SILENCE_MS + input.routes.length * SILENCE_MS_PER_ROUTE;
    return channel.send({ ...call, timeoutMs: TIMEOUT_MS, silenceMs }, signal);
  };
  try {
    const brief = difference && (await post({ base: before.routes, ...difference }, [...texts.keys()]));
    const { status, text } = brief === undefined || brief.status === 409 ? await post(input.routes, []) : brief;
    if (status !== 200) throw new Error(`status ${status}: ${text.slice(0, 300)}`);
    const parsed = RenderResponse.safeParse(JSON.parse(text));
    if (!parsed.success) throw new Error('invalid response', { cause: parsed.error });
    const answer = withTexts(parsed.data, texts);
    const fault = answer.kind === 'rendered' ? renderingFault(input, answer) : undefined;
    if (fault !== undefined) throw new Error(fault);
    return answer;
  } catch (error) {
    throw new LinkError(`Extension ${service}: render request failed: ${shortened((error as Error).message)}`, {
      cause: error,
    });
  }
}

function withTexts(response: RenderResponse, texts: ReadonlyMap<string, string>): RenderedResponse {
  if (response.kind === 'settings-refused') return response;
  const files = response.files.map(({ path, digest, text = texts.get(digest) }) => {
    if (text === undefined) throw new Error(`the response lacks ${path}`);
    return { path, digest, text };
  });
  return { ...response, files };
}

/** A version must contain exactly the encrypted secrets that were sent. Extensions of earlier releases leave them out. */
function renderingFault(
  { cluster, secretFiles = [] }: RenderInput,
  { version, files }: Pick<Rendering, 'version' | 'files'>,
): string | undefined {
  const fault = versionFault(cluster, version, files);
  if (fault !== undefined) return fault;
  const returned = new Map(files.filter(({ path }) => isSecretsFile(path)).map(({ path, text }) => [path, text]));
  const isSame =
    returned.size === secretFiles.length && secretFiles.every(({ path, text }) => returned.get(path) === text);
  return isSame ? undefined : 'The version has other encrypted secrets than the request';
}

/** Files that an earlier answer contained are sent without their text. */
function withoutTexts(files: RenderInput['secretFiles'], known: ReadonlySet<string>): object[] | undefined {
  return files?.map(({ text, ...file }) => (known.has(file.digest) ? file : { ...file, text }));
}

/** What the controller makes of a response. */
export function toAnswer(response: RenderedResponse, { input, faulty, faultyStreams }: Request): RenderAnswer {
  if (response.kind === 'settings-refused') return { kind: 'settings-rejected', message: response.message };
  const { version, files, refused } = response;
  const problems = [
    ...toProblems(refused, input),
    ...faulty.map((route) => unsendable(route, routeFault(route), input)),
    ...faultyStreams.map((stream) => unsendable(stream, streamFault(stream), input)),
  ];
  return { kind: 'rendered', rendering: { version, files, problems } };
}
