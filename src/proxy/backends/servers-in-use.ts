import { decodeCase } from '../../model/dns/name-case.ts';

/** Ports by name in Docker's DNS, or by address. */
export type Servers = ReadonlyMap<string, readonly number[]>;

interface Text {
  readonly text: string;
}

/** Collects the servers of all upstreams from the files of a configuration while another reader reads them: see templates/upstream.hbs. */
export class ServersInUse {
  readonly #servers = new Map<string, number[]>();

  get found(): Servers {
    return this.#servers;
  }

  async *collect<T extends Text>(files: AsyncIterable<T>): AsyncGenerator<T> {
    for await (const file of files) {
      for (const [, name, port] of file.text.matchAll(/^ *server "?([\w.-]+):(\d+)"?[^;{]*;$/gm))
        this.#add(decodeCase(name!) ?? name!, Number(port));
      yield file;
    }
  }

  #add(name: string, port: number): void {
    const ports = this.#servers.get(name);
    if (ports === undefined) this.#servers.set(detached(name), [port]);
    else if (!ports.includes(port)) ports.push(port);
  }
}

/** Copies the text: a substring keeps its entire source string in memory. */
function detached(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1');
}
