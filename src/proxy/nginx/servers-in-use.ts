import { decodeCase } from '../../model/dns/name-case.ts';
import { type AddressRange, splitName, toRanges } from '../../model/dns/name-doubts.ts';
import { readServers, splitEndpoint } from '../../nginx-text/servers.ts';

/** A DNS name that nginx uses, or would use if it were not in doubt, and the address ranges of its network. */
export interface NameInUse {
  readonly name: string;
  readonly ranges: readonly AddressRange[];
}

export interface ServersInUse {
  /** Without names on networks that the configuration does not mention. */
  readonly names: readonly NameInUse[];
  /** By name in Docker's DNS, or by address. Without those of UDP, which accept no connection. */
  readonly ports: ReadonlyMap<string, readonly number[]>;
}

/** Reads the servers of all upstreams, one file at a time. */
export async function readServersInUse(files: AsyncIterable<{ readonly text: string }>): Promise<ServersInUse> {
  const names = new Set<string>();
  const networks = new Map<string, readonly AddressRange[]>();
  const ports = new Map<string, number[]>();
  const udp = new Set<string>();
  for await (const { text } of files) {
    readServers(text, {
      server: ({ name: queried, port, isResolved }) => {
        const name = decodeCase(queried) ?? queried;
        if (isResolved) names.add(name);
        addPort(ports, name, port);
      },
      network: ({ name, subnets }) => void networks.set(name, toRanges(subnets)),
      doubted: (name) => void names.add(name),
      udp: (endpoint) => void udp.add(endpoint),
    });
  }
  if (udp.size > 0) withoutPorts(ports, udp);
  const watched = [...names].flatMap((name) => {
    const ranges = networks.get(splitName(name)?.network ?? '');
    return ranges === undefined ? [] : { name, ranges };
  });
  return { names: watched, ports };
}

/** Endpoints as nginx queries them. */
function withoutPorts(ports: Map<string, number[]>, endpoints: ReadonlySet<string>): void {
  for (const endpoint of endpoints) {
    const { host, port } = splitEndpoint(endpoint);
    const name = decodeCase(host) ?? host;
    const others = (ports.get(name) ?? []).filter((each) => each !== port);
    if (others.length === 0) ports.delete(name);
    else ports.set(name, others);
  }
}

function addPort(ports: Map<string, number[]>, name: string, port: number): void {
  const known = ports.get(name);
  if (known === undefined) ports.set(name, [port]);
  else if (!known.includes(port)) known.push(port);
}
