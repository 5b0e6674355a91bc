import type { Host } from '../hosts/host.ts';
import { label } from '../labels/label.ts';
import { invalidLabel } from '../labels/label-problems.ts';
import type { LabelReader } from '../labels/label-reader.ts';
import { divideRedirects, REDIRECT_FORM, type RedirectEntry, redirectList } from '../redirects.ts';
import type { Route } from '../route.ts';

/** Each length of a path needs text in the main file. */
const MOST_PATH_REDIRECTS = 50;

/** A label may have thousands of errors, but a service's problems are limited anyway. */
const MOST_NOTED = 100;

export const redirectLabels = {
  redirects: label<RedirectEntry[]>({
    name: 'redirects',
    policy: 'optional',
    type: `list of \`${REDIRECT_FORM}\`, separated by semicolons`,
    default: '',
    example: 'http://old.example.org,http://new.example.org',
    description:
      'Redirects requests for the source to the target, with status 302, or 301, 303, 307 or 308. The path and query are kept; if the source or target has a path, the rest of the path is appended: `https://app.example.org/blog,https://blog.example.org/posts,301`. The source must be one of the hosts. A source that begins with `http:` redirects HTTP requests only: `http://app,https://app` redirects to HTTPS. Without paths, redirects replace all routes of the host. With paths, routes with a longer `context_root` still answer.',
    schema: redirectList,
  }),
} as const;

export function readRedirects(reader: LabelReader, hosts: readonly Host[]): Pick<Route, 'redirects' | 'pathRedirects'> {
  const entries = reader.read(redirectLabels.redirects) ?? [];
  for (const { text } of entries.filter(({ redirect }) => redirect === undefined).slice(0, MOST_NOTED))
    reader.refuse(redirectLabels.redirects, `holds ${JSON.stringify(text)}, which is not ${REDIRECT_FORM}`);
  const redirects = entries.flatMap(({ redirect }) => redirect ?? []);
  const own = new Set(hosts.filter(({ kind }) => kind === 'exact').map(({ name }) => name));
  for (const { host } of redirects.filter(({ host }) => !own.has(host)).slice(0, MOST_NOTED)) {
    reader.note(
      redirectLabels.redirects,
      invalidLabel(`redirects ${host}, which is not one of the hosts`, `Add ${host} to the hosts.`),
    );
  }
  const { ofHosts, ofPaths } = divideRedirects(redirects.filter(({ host }) => own.has(host)));
  if (ofPaths.length > MOST_PATH_REDIRECTS)
    reader.note(
      redirectLabels.redirects,
      invalidLabel(`has more than ${MOST_PATH_REDIRECTS} with paths`, 'Remove some of them.'),
    );
  return {
    redirects: ofHosts,
    ...(ofPaths.length > 0 ? { pathRedirects: ofPaths.slice(0, MOST_PATH_REDIRECTS) } : {}),
  };
}
