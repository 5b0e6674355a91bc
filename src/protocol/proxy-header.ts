import { isIP, isIPv6, type Socket } from 'node:net';
import { plainAddress } from '../lib/plain-address.ts';

/** The maximum length of a PROXY protocol header, version 1, including its line break. */
const MAX_LENGTH = 107;

/** The first line of a relayed connection: the client's address in the PROXY protocol, version 1. */
export function proxyHeader({ remoteAddress = '', remotePort = 0, localAddress = '', localPort = 0 }: Socket): string {
  const [client, own] = [plainAddress(remoteAddress), plainAddress(localAddress)];
  if (isIP(client) === 0 || isIP(client) !== isIP(own)) return 'PROXY UNKNOWN\r\n';
  return `PROXY ${isIPv6(client) ? 'TCP6' : 'TCP4'} ${client} ${own} ${remotePort} ${localPort}\r\n`;
}

/**
 * Reads the header and leaves all data after it in the socket. Resolves with the client's address; undefined if there is no valid header or the
 * connection ends first.
 */
export function readProxyHeader(socket: Socket): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  let received = Buffer.alloc(0);
  const read = (chunk: Buffer) => {
    received = Buffer.concat([received, chunk]);
    const end = received.indexOf('\r\n');
    if (end < 0 && received.length < MAX_LENGTH) return;
    socket.off('data', read);
    socket.pause();
    if (end >= 0) socket.unshift(received.subarray(end + 2));
    resolve(end < 0 ? undefined : clientOfHeader(received.toString('latin1', 0, end)));
  };
  socket.on('data', read);
  socket.once('close', () => resolve(undefined));
  return promise;
}

function clientOfHeader(line: string): string | undefined {
  const [protocol, family = '', client = ''] = line.split(' ');
  if (protocol !== 'PROXY' || !/^TCP[46]$/.test(family)) return undefined;
  return isIP(client) === Number(family.at(-1)) ? client : undefined;
}
