import type { Host } from '../hosts/host.ts';
import { type StreamProtocol, streamName } from '../streams/stream-route.ts';
import type { StreamPort, StreamServer, StreamTable } from '../streams/stream-table.ts';
import type { ExplainedRoute, Explanation } from './explanation.ts';
import { answersTo } from './site.ts';

interface Connection {
  readonly protocol: StreamProtocol;
  readonly host: string;
  readonly port: number;
}

/** A URL such as `tcp://db.example.org:5432`; the host is the name in the TLS handshake. */
export function parseConnection(text: string): Connection | undefined {
  const [, protocol, host = '', port] = /^(tcp|udp):\/\/([^:/?#@[\]]*):(\d{1,5})\/?$/i.exec(text.trim()) ?? [];
  if (protocol === undefined || Number(port) > 65_535) return undefined;
  return {
    protocol: protocol.toLowerCase() as StreamProtocol,
    host: host.toLowerCase().replace(/\.$/, ''),
    port: Number(port),
  };
}

/** Explains which service receives a connection; undefined if the text is not such a URL. */
export function explainStream({ ports }: StreamTable, text: string): Explanation | undefined {
  const connection = parseConnection(text);
  if (connection === undefined) return undefined;
  const { protocol, host, port } = connection;
  const url = `${protocol}://${host}:${port}`;
  const nothing = { url, passedOver: [], effects: [], fromSettings: [] };
  const own = ports.find((each) => each.protocol === protocol && each.port === port);
  if (own === undefined)
    return { ...nothing, answer: { kind: 'refused' }, because: [`No service uses ${streamName({ protocol, port })}.`] };
  const chosen = chooseServer(own, host);
  if (chosen === undefined) {
    const because = [`No service on ${streamName(own)} has the name ${host}, and none answers for all names.`];
    return { ...nothing, answer: { kind: 'refused' }, because, passedOver: others(own) };
  }
  const because = [describePort(own), describeChoice(chosen)];
  const passedOver = others(own, chosen);
  if (chosen.upstream === undefined) {
    const closed = `${chosen.route.service.name} has no task, or a label that is required is invalid.`;
    return { ...nothing, answer: { kind: 'refused' }, because: [...because, closed], passedOver };
  }
  // Requests have a URI, connections have none.
  return { ...nothing, answer: { kind: 'service', route: routeOf(chosen), requestUri: '' }, because, passedOver };
}

type Named = StreamServer & { readonly host?: Host };

const RANKS: readonly Host['kind'][] = ['exact', 'wildcard', 'regex'];

/** As nginx does: exact names, the longest wildcard, then the first expression. */
function chooseServer({ servers, fallback }: StreamPort, name: string): Named | undefined {
  const matching = servers.filter(({ host }) => answersTo(host, name));
  const byRank = matching.toSorted(
    (a, b) =>
      RANKS.indexOf(a.host.kind) - RANKS.indexOf(b.host.kind) ||
      (a.host.kind === 'wildcard' ? b.host.name.length - a.host.name.length : 0),
  );
  return byRank[0] ?? fallback;
}

const KINDS: Readonly<Record<StreamPort['kind'], string>> = {
  none: 'is forwarded as it is.',
  terminated: 'has TLS that ends in the proxies.',
  passthrough: 'has TLS that ends in the service; the proxies read the name in the handshake.',
};

function describePort(port: StreamPort): string {
  return `A connection to ${streamName(port)} ${KINDS[port.kind]}`;
}

function describeChoice({ host, route }: Named): string {
  const { name } = route.service;
  return host === undefined ? `${name} answers for all names.` : `${name} has the host ${host.name}.`;
}

function routeOf({ host, route }: Named): ExplainedRoute {
  return { host: streamName(route, host), path: '', services: [route.service.name] };
}

function others({ servers, fallback }: StreamPort, chosen?: Named) {
  const all: readonly Named[] = [...servers, ...(fallback === undefined ? [] : [fallback])];
  return all
    .filter((server) => server !== chosen)
    .map((server) => ({ route: routeOf(server), reason: 'It has another name.' }));
}
