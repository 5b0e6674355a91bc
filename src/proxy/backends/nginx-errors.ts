import { splitEndpoint } from '../../nginx-text/servers.ts';
import type { LineCounter } from '../nginx/request-log.ts';

/** After one read, so that a flood of errors costs little: the same few tasks cause it. */
const MOST_PER_READ = 20;

/** The option that makes nginx write errors to a file as well. A container's own log cannot be read from inside. */
export function withErrorLog(command: readonly string[], path: string): string[] {
  const at = command.indexOf('-g');
  const directive = `error_log ${path} error;`;
  if (at === -1) return [...command, '-g', directive];
  return command.map((argument, position) => (position === at + 1 ? `${argument} ${directive}` : argument));
}

/**
 * Finds the addresses to which nginx could not connect. Requests, and so clients, appear in the same lines: an address is only a hint to try a
 * connection, and only to servers of the configuration.
 */
export class NginxErrors implements LineCounter {
  readonly #onFailure: (address: string, port: number) => void;
  lost = 0;

  constructor(onFailure: (address: string, port: number) => void) {
    this.#onFailure = onFailure;
  }

  take(text: string): void {
    const found = new Set<string>();
    for (const line of text.split('\n')) {
      if (!line.includes(' while connecting to upstream, ')) continue;
      const [, endpoint] =
        /, upstream: "[a-z]*:?(?:\/\/)?((?:\d+\.\d+\.\d+\.\d+|\[[0-9a-f:.]+\]):\d+)/.exec(line) ?? [];
      if (endpoint !== undefined) found.add(endpoint);
      if (found.size >= MOST_PER_READ) break;
    }
    for (const endpoint of found) {
      const { host, port } = splitEndpoint(endpoint);
      this.#onFailure(host, port);
    }
  }
}
