import type { RouteView } from '../../controller/admin/state.ts';
import { type Place, toHash } from './place.ts';

/** The request that the page explains. */
export interface AskedRequest {
  readonly url: string;
  /** '' for GET. */
  readonly method: string;
  /** One on each line. */
  readonly headers: string;
}

export const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;

export function askedIn({ url = '', method = '', headers = '' }: Place['query']): AskedRequest {
  return { url, method, headers };
}

export function isSame(one: AskedRequest, other: AskedRequest): boolean {
  return one.url === other.url && one.method === other.method && one.headers === other.headers;
}

/** A GET request without headers. */
export function isPlain({ method, headers }: AskedRequest): boolean {
  return method === '' && headers === '';
}

/** Parameters of the API. */
export function toParameters({ url, method, headers }: AskedRequest): URLSearchParams {
  const lines = headers.split('\n').filter((line) => line.trim() !== '');
  const parameters = new URLSearchParams({ url, ...(method === '' ? {} : { method }) });
  for (const line of lines) parameters.append('header', line);
  return parameters;
}

type Matched = Pick<RouteView, 'host' | 'hostKind' | 'path' | 'match' | 'answer'>;

/** Where the page explains a request that the route is for; undefined if it cannot give an example. */
export function explainLink({ host, hostKind, path, match, answer }: Matched): string | undefined {
  if (hostKind === 'regex' || hostKind === 'default' || path.startsWith('~')) return undefined;
  const name = hostKind === 'wildcard' ? host.replace('*', 'www') : host;
  const origin = `${answer.kind === 'tls-only' ? 'https' : 'http'}://${name}`;
  const conditions = (match ?? '').split(', ').flatMap((text) => parseCondition(text) ?? []);
  const ofKind = (kind: string) => conditions.filter((condition) => condition.kind === kind);
  const query = new URLSearchParams(
    ofKind('query').map(({ name, value }): [string, string] => [name, value]),
  ).toString();
  const cookies = ofKind('cookie').map(({ name, value }) => `${name}=${value}`);
  const lines = [
    ...ofKind('header').map(({ name, value }) => `${name}: ${value}`),
    ...(cookies.length === 0 ? [] : [`cookie: ${cookies.join('; ')}`]),
  ];
  const url = `${origin}${path.replace(/^=/, '')}${query === '' ? '' : `?${query}`}`;
  return toHash({ view: 'routes', query: { url, method: ofKind('method')[0]?.name ?? '', headers: lines.join('\n') } });
}

/** As the label `match` writes it. Of several methods, the first; without a value, any fulfills the condition. */
function parseCondition(text: string) {
  const [, kind, name, value = '1'] = /^([a-z]+):([^=|]+)(?:\|[A-Z|]*)?(?:=(.*))?$/s.exec(text) ?? [];
  return kind === undefined || name === undefined ? undefined : { kind, name, value };
}
