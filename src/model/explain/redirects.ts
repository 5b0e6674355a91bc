import { isBelow } from '../path.ts';
import { matchesPath, pathKind } from '../path-pattern.ts';
import type { Redirect } from '../redirects.ts';
import type { Canonical, PathRedirect } from '../route-table/table.ts';
import { stripRoot } from '../stripped-path.ts';
import { closed, redirectTo, type Step } from './answer.ts';
import type { Asked } from './request.ts';
import type { Site } from './site.ts';

export function redirected({ target, status }: Redirect, uri: string, isSecure: boolean): Step {
  const reason = `Requests for it over ${isSecure ? 'HTTPS' : 'HTTP'} are redirected to ${target}, for any path.`;
  return { answer: redirectTo(status, target + uri), because: [reason] };
}

export function toCanonical({ host, sslOnly }: Canonical, { port, uri, isSecure, httpsPort }: Asked): Step {
  const because = [`Requests for it are redirected to the canonical host ${host}.`];
  const upgraded = httpsPort === 443 ? '' : `:${httpsPort}`;
  if (sslOnly && !isSecure) return { answer: redirectTo(308, `https://${host}${upgraded}${uri}`), because };
  const origin = `${isSecure ? 'https' : 'http'}://${host}${port === '' ? '' : `:${port}`}`;
  return { answer: redirectTo(308, origin + uri), because };
}

interface ChosenRedirect extends PathRedirect {
  readonly applying: Redirect;
}

export function choosePathRedirect(
  { pathRedirects, locations }: Site,
  path: string,
  isSecure: boolean,
): ChosenRedirect | undefined {
  const matching = pathRedirects.flatMap((redirect) => {
    const applying = isSecure ? redirect.secureRedirect : redirect.redirect;
    return applying !== undefined && isBelow(path, redirect.path) ? [{ ...redirect, applying }] : [];
  });
  const location = locations.find((candidate) => matchesPath(path, candidate.path));
  if (location !== undefined && pathKind(location.path) !== 'prefix') return undefined;
  return matching.find((redirect) => location === undefined || redirect.path.length >= location.path.length);
}

export function redirectedPath(
  { path, applying, location }: ChosenRedirect,
  site: Site,
  { path: asked, uri }: Asked,
): Step {
  const maintenance = (location ?? site).maintenance;
  if (maintenance !== undefined) return closed(maintenance);
  const { target, status } = applying;
  const because = [`Requests for the path ${path || '/'} are redirected to ${target}.`];
  const stripped = stripRoot(path, uri);
  if (stripped.kind !== 'reaches') return { answer: { kind: 'bad-request' }, because };
  // Without a rest, no slash is appended to a path.
  const rest = asked === path ? stripped.url.slice(1) : stripped.url;
  const origin = asked === path && new URL(target).pathname === '/' && !target.endsWith('/') ? `${target}/` : target;
  return { answer: redirectTo(status, origin + rest), because };
}
