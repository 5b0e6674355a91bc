import type { PublishedPort } from '../model/snapshot.ts';

/** Parses the short syntax of ports: `8080:80/tcp`, `3000-3001:80-81` or `80`. Swarm ignores an address before the ports. */
export function parsePorts(text: string): PublishedPort[] {
  const [, published = '', target = '', protocol = 'tcp'] =
    /^(?:.*?:)??(?:([\d-]*):)?([\d-]+)(?:\/(\w+))?$/.exec(text) ?? [];
  const from = range(published);
  return range(target).map((port, position) => ({
    target: port,
    published: from[position],
    mode: 'ingress',
    protocol,
  }));
}

function range(text: string): number[] {
  const [, first, last = first] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text) ?? [];
  if (first === undefined) return [];
  return Array.from({ length: Math.max(0, Number(last) - Number(first) + 1) }, (_, offset) => Number(first) + offset);
}
