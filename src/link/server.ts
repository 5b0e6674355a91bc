import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { TLSSocket } from 'node:tls';
import type { Logger } from '../lib/logger.ts';
import type { RenderInput } from '../model/render-input.ts';
import { controllerName, type Identity } from './certificates.ts';
import { MAX_MESSAGE_BYTES, RenderRequest } from './messages.ts';

export interface LinkServerOptions {
  readonly identity: Identity;
  /** Answers with what a RenderResponse holds, but for the version of the templates. */
  readonly prove: (input: RenderInput) => Promise<object>;
  readonly templates: TemplateVersions;
  readonly logger: Logger;
}

/** Tells when templates change, which happens while somebody edits them. */
export interface TemplateVersions {
  readonly version: string;
  changed(known: string): Promise<void>;
}

/**
 * The extension's end of the control channel. Only the controller gets through: its certificate must be of the same CA and carry its name.
 *
 * - `POST /render` takes a RenderRequest and answers with a RenderResponse.
 * - `GET /templates/<version>` is held until the templates are of another version, and answers with that: 200 and `{ "version": … }`.
 */
export function createLinkServer(options: LinkServerOptions): Server {
  const tls = { ...options.identity, requestCert: true, rejectUnauthorized: true, minVersion: 'TLSv1.3' as const };
  return createServer(tls, (request, response) => {
    answer(request, response, options).catch((error) => {
      options.logger.error({ err: error }, 'Request failed');
      send(response, 500, { error: (error as Error).message });
    });
  });
}

async function answer(request: IncomingMessage, response: ServerResponse, options: LinkServerOptions): Promise<void> {
  const peer = (request.socket as TLSSocket).getPeerCertificate();
  if (peer.subject?.CN !== controllerName) return send(response, 403, { error: 'Only the controller may ask' });
  const [, known] = /^\/templates\/([0-9a-f]*)$/.exec(request.url ?? '') ?? [];
  if (request.method === 'GET' && known !== undefined) {
    await options.templates.changed(known);
    return send(response, 200, { version: options.templates.version });
  }
  if (request.method !== 'POST' || request.url !== '/render') return send(response, 404, { error: 'Not found' });
  const parsed = RenderRequest.safeParse(JSON.parse(await readBody(request)));
  if (!parsed.success) return send(response, 400, { error: parsed.error.message });
  const proof = await options.prove(parsed.data as unknown as RenderInput);
  send(response, 200, { ...proof, templates: options.templates.version });
}

function send(response: ServerResponse, status: number, body: unknown): void {
  if (response.headersSent) return;
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

/** Reads a whole message, and gives up on one that is too large. */
export async function readBody(stream: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of stream) {
    sizeBytes += chunk.length;
    if (sizeBytes > MAX_MESSAGE_BYTES) throw new Error('Message is too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
