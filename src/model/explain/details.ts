import { shownValue } from '../problem.ts';
import { parseConnection } from './explain-stream.ts';

/** What a request has besides its URL. */
export interface RequestDetails {
  readonly method: string;
  /** By name in lower case. Cookies are in `cookie`. */
  readonly headers: ReadonlyMap<string, string>;
}

export const plainGet: RequestDetails = { method: 'GET', headers: new Map() };

/** As users write them. */
export interface WrittenDetails {
  /** GET if it is empty. */
  readonly method?: string | undefined;
  /** Such as `X-Beta: yes`. */
  readonly headers?: readonly string[] | undefined;
  /** Such as `group=b`. */
  readonly cookies?: readonly string[] | undefined;
}

const HEADER = /^([A-Za-z0-9!#$%&'*+.^_`|~-]+):((?:[^\p{Cc}]|\t)*)$/u;
const COOKIE = /^[^=;\s\p{Cc}]+=[^;\p{Cc}]*$/u;

/** The details, or a sentence about what is wrong with them. */
export function readDetails(url: string, written: WrittenDetails): RequestDetails | string {
  const { headers = [], cookies = [] } = written;
  const method = (written.method || 'GET').toUpperCase();
  if (method === 'GET' && headers.length === 0 && cookies.length === 0) return plainGet;
  if (parseConnection(url) !== undefined) return 'A TCP or UDP connection has no method, headers or cookies.';
  if (!/^[A-Z]{1,20}$/.test(method)) return `${shownValue(method)} is not a method such as POST.`;
  const parsed = headers.map((text) => ({ text, header: HEADER.exec(text) }));
  const wrong = parsed.find(({ header }) => header === null);
  if (wrong !== undefined) return `${shownValue(wrong.text)} is not a header such as X-Beta: yes.`;
  if (headers.some((text) => /^host:/i.test(text))) return 'The host is part of the URL: remove the header Host.';
  const wrongCookie = cookies.find((text) => !COOKIE.test(text));
  if (wrongCookie !== undefined) return `${shownValue(wrongCookie)} is not a cookie such as group=b.`;
  const all = [
    ...parsed.map(({ header }) => [header![1]!.toLowerCase(), header![2]!.trim()] as const),
    ...cookies.map((cookie) => ['cookie', cookie] as const),
  ];
  return { method, headers: joined(all) };
}

/** nginx joins headers of the same name. */
function joined(headers: readonly (readonly [name: string, value: string])[]): ReadonlyMap<string, string> {
  const byName = Map.groupBy(headers, ([name]) => name);
  return new Map(
    [...byName].map(([name, same]) => [name, same.map(([, value]) => value).join(name === 'cookie' ? '; ' : ', ')]),
  );
}
