import type { Host } from '../../src/model/host.ts';
import { pathBytes } from '../../src/model/path.ts';
import type { Affinity, Route } from '../../src/model/route.ts';

/** Numbers what it is given: equal things get equal numbers. */
function numbering(): (key: string) => number {
  const numbers = new Map<string, number>();
  return (key) => {
    const number = numbers.get(key) ?? numbers.size;
    numbers.set(key, number);
    return number;
  };
}

const plainHost = { exact: 'h', wildcard: '*.h', regex: 'h' } as const;

/**
 * The same routes with the plainest of texts in place of every text that came from a label: what asks for the same blocks and
 * directives, so that a configuration of the one must have the shape of a configuration of the other.
 */
export function withPlainTexts(routes: readonly Route[]): Route[] {
  const hosts = numbering();
  const paths = numbering();
  const cookies = numbering();
  const networks = numbering();
  const network = (text: string) => `192.0.2.${networks(text)}`;
  const names = numbering();
  const host = ({ kind, name }: Host): Host => ({ kind, name: `${plainHost[kind]}${hosts(`${kind} ${name}`)}` });
  // As many bytes as before: their number decides how a context root is removed.
  const path = (text: string) => (text === '' ? '' : `/${String(paths(text)).padStart(pathBytes(text) - 1, '0')}`);
  const affinity = (wanted: Affinity): Affinity => {
    if (wanted.kind !== 'cookie') return wanted;
    const number = cookies(wanted.name);
    // A variable of nginx has no dashes and dots: such a cookie is another case.
    return { kind: 'cookie', name: /^\w+$/.test(wanted.name) ? `c${number}` : `c-${number}` };
  };
  return routes.map((route) => ({
    ...route,
    hosts: route.hosts.map(host),
    path: path(route.path),
    redirects: route.redirects.map((redirect) => ({
      host: host({ kind: 'exact', name: redirect.host }).name,
      secure: redirect.secure,
      target: 'http://t',
    })),
    options: {
      ...route.options,
      affinity: affinity(route.options.affinity),
      backendName: route.options.backendName === '' ? '' : `n${names(route.options.backendName)}`,
    },
    maintenance: route.maintenance && { allow: route.maintenance.allow.map(network) },
  }));
}
