import { type Effect, featureEffects } from '../features/features.ts';
import { encodePath } from '../path.ts';
import type { RedirectStatus } from '../redirects.ts';
import type { Maintenance } from '../route.ts';
import { leadsToTls, strippedRoot } from '../route-table/location.ts';
import type { Location } from '../route-table/table.ts';
import { stripRoot } from '../stripped-path.ts';
import type { Answer } from './explanation.ts';
import { toRoute } from './location.ts';
import type { Asked } from './request.ts';
import type { Site } from './site.ts';

export interface Step {
  readonly answer: Answer;
  readonly because: readonly string[];
  /** Absent if no task receives the request. */
  readonly effects?: readonly Effect[];
}

export function nowhere({ name, locations }: Site): Step {
  if (locations.length === 0) return { answer: { kind: 'no-host' }, because: [] };
  return { answer: { kind: 'no-path' }, because: [`No context root of ${name} matches.`] };
}

/** Explains a TLS connection that does not end in the proxies. */
export function withoutTermination({ name, tls, locations }: Site, host: string, uri: string): Step {
  const location = locations.find(({ isHandedOn }) => isHandedOn);
  if (tls.kind === 'passthrough' && location !== undefined) {
    const because = ['The service terminates TLS: the proxy passes connections through.'];
    return { answer: { kind: 'service', route: toRoute(name, location), requestUri: uri }, because };
  }
  const reason =
    tls.kind === 'closed'
      ? 'Its certificate or its TLS configuration is missing or invalid.'
      : `There is no certificate for ${host}.`;
  return { answer: { kind: 'no-certificate' }, because: [reason] };
}

export function answerAt(name: string, location: Location, { host, uri, httpsPort, isSecure, method }: Asked): Step {
  if (location.maintenance !== undefined) return closed(location.maintenance);
  if (!isSecure && leadsToTls(location)) {
    const port = httpsPort === 443 ? '' : `:${httpsPort}`;
    const status = ['GET', 'HEAD'].includes(method) ? 301 : 308;
    return { answer: redirectTo(status, `https://${host}${port}${uri}`), because: ['The route is for HTTPS only.'] };
  }
  const route = toRoute(name, location);
  if (location.upstream === undefined) {
    const reason = 'The route is closed: no tasks are desired, or one of the reported problems closes it.';
    return { answer: { kind: 'unavailable', route }, because: [reason] };
  }
  const instead =
    location.instead === undefined ? [] : [`Its services have no tasks, so the fallback ${location.instead} answers.`];
  const shared = location.services.length > 1 ? ['Its services share the requests in proportion to their tasks.'] : [];
  const root = strippedRoot(location);
  const stripped = root === undefined ? undefined : stripRoot(root, uri);
  if (stripped?.kind === 'rejected')
    return {
      answer: { kind: 'bad-request' },
      because: ['The path has a segment that some applications treat as `..`.'],
    };
  const requestUri = stripped?.kind === 'reaches' ? encodePath(location.options.backendPath ?? '') + stripped.url : uri;
  return {
    answer: { kind: 'service', route, requestUri },
    because: [...instead, ...shared],
    effects: featureEffects(location.options),
  };
}

export function closed({ allow }: Maintenance): Step {
  const passing = allow.length === 0 ? 'for all clients' : `for all clients except ${allow.join(', ')}`;
  return { answer: { kind: 'maintenance', allow }, because: [`It is under maintenance ${passing}.`] };
}

export function redirectTo(status: RedirectStatus, location: string): Answer {
  return { kind: 'redirect', status, location };
}
