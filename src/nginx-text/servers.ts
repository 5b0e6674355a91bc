import { detached } from '../lib/detached.ts';
import type { NetworkSubnets } from '../model/dns/name-doubts.ts';
import { NginxTextError, readStatements } from './statements.ts';

/** A server of an upstream. */
export interface Server {
  /** A name as nginx queries it, or an address. */
  readonly name: string;
  readonly port: number;
  /** Whether nginx resolves the name while it runs. */
  readonly isResolved: boolean;
}

/** Receives what a file contains for the agent. */
export interface ServerVisitor {
  server(server: Server): void;
  /** A network of names; see templates/status.hbs. */
  network?(network: NetworkSubnets): void;
  /** A server that only UDP ports use, as `name:port`; see templates/streams.hbs. */
  udp?(endpoint: string): void;
  /** A name that no upstream uses because it is in doubt. */
  doubted?(name: string): void;
}

/** Reads the servers of all upstreams, and the comments for the agent. Ignores the rest of a text that nginx would reject. */
export function readServers(text: string, visitor: ServerVisitor): void {
  const open: string[] = [];
  try {
    readStatements(text, {
      statement: ({ words, opens }) => {
        if (opens) open.push(words[0]!);
        else if (words[0] === 'server' && open.at(-1) === 'upstream') visitor.server(toServer(words));
        return undefined;
      },
      close: () => void open.pop(),
      comment: (comment) => readComment(comment, visitor),
    });
  } catch (error) {
    if (!(error instanceof NginxTextError)) throw error;
  }
}

function toServer([, endpoint = '', ...options]: readonly string[]): Server {
  const { host, port } = splitEndpoint(endpoint);
  return { name: detached(host), port, isResolved: options.includes('resolve') };
}

/** Of `name:80` or `[2001:db8::1]:80`. */
export function splitEndpoint(endpoint: string): { readonly host: string; readonly port: number } {
  const [, ip, name = '', port = ''] = /^(?:\[([^\]]*)\]|([^:]*)):(.*)$/s.exec(endpoint) ?? [];
  return { host: ip ?? name, port: Number(port) };
}

function readComment(comment: string, visitor: ServerVisitor): void {
  const [kind, name, ...subnets] = comment.split(' ').map(detached);
  if (name === undefined) return;
  if (kind === 'network') visitor.network?.({ name, subnets });
  if (kind === 'udp') visitor.udp?.(name);
  if (kind === 'doubted') visitor.doubted?.(name);
}
