import { createHash } from 'node:crypto';
import { TLSSocket } from 'node:tls';
import { answerJson, type Exchange, type Incoming } from './exchange.ts';

const shownBytes = 64 * 1024;

/** Reports what reached the application, byte for byte where Node allows. */
export async function echo({ request, response, world }: Exchange): Promise<void> {
  const { method, url, httpVersion, headers, rawHeaders, socket } = request;
  const { remoteAddress, remotePort } = socket;
  const { text, length, sha256 } = await readBody(request);
  const { instance } = world.about;
  const line = { instance, method, url, httpVersion, headers, rawHeaders };
  answerJson(response, { ...line, remoteAddress, remotePort, tls: describeTls(socket), body: text, length, sha256 });
}

export async function upload({ request, response }: Exchange): Promise<void> {
  const { length, sha256 } = await readBody(request);
  answerJson(response, { length, sha256 });
}

async function readBody(request: Incoming): Promise<{ text: string; length: number; sha256: string }> {
  const hash = createHash('sha256');
  const shown: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    if (length < shownBytes) shown.push(chunk.subarray(0, shownBytes - length));
    length += chunk.length;
    hash.update(chunk);
  }
  return { text: Buffer.concat(shown).toString('utf8'), length, sha256: hash.digest('hex') };
}

function describeTls(socket: unknown) {
  if (!(socket instanceof TLSSocket)) return undefined;
  return { servername: socket.servername, alpn: socket.alpnProtocol, protocol: socket.getProtocol() };
}
