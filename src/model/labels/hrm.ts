import { type Problem, shownValue } from '../problem.ts';
import type { ProblemText } from '../problem-kind.ts';
import { problemKind } from '../problem-kind.ts';
import type { SwarmService } from '../snapshot.ts';
import { hasHrmLabels, hrmLabelsOf } from './hrm-labels.ts';
import { LABEL_PREFIX } from './label.ts';
import { hasRoutingLabels, type LabelEntry } from './label-reader.ts';
import type { LabelName } from './labels.ts';

export const hrmInvalid = problemKind({
  id: 'hrm-label-invalid',
  severity: 'error',
  meaning: `A label of the HTTP Routing Mesh (com.docker.ucp.mesh.http) cannot be translated. It makes no route.`,
  reason: (fault: string) => fault,
  remedy: 'Use the labels com.docker.lb.* instead.',
  example: ['has no external_route such as http://app.example.org'],
  at: 'com.docker.ucp.mesh.http',
});

export const hrmDeprecated = problemKind({
  id: 'hrm-label-deprecated',
  severity: 'notice',
  meaning: `A label of the HTTP Routing Mesh is translated and served. Current labels say more and are checked better.`,
  reason: (_current: string) => 'is a deprecated label of the HTTP Routing Mesh, and is still supported',
  remedy: (current) => `Replace it with: ${current}`,
  example: ['com.docker.lb.hosts=app.example.org com.docker.lb.port=8080'],
  at: 'com.docker.ucp.mesh.http',
});

export interface HrmResult {
  readonly groups: ReadonlyMap<string, ReadonlyMap<string, LabelEntry>>;
  readonly problems: readonly Problem[];
}

/** Whether a service has routing labels, current or of the HTTP Routing Mesh. */
export function asksForRoutes(labels: Readonly<Record<string, string>>): boolean {
  return hasRoutingLabels(labels) || hasHrmLabels(labels);
}

export function readHrmLabels(service: SwarmService): HrmResult {
  const groups = new Map<string, ReadonlyMap<string, LabelEntry>>();
  const problems: Problem[] = [];
  for (const label of hrmLabelsOf(service.labels).toSorted()) {
    const value = service.labels[label] ?? '';
    const translated = translate(parsePairs(value), service);
    if (typeof translated === 'string') problems.push(hrmProblem(hrmInvalid(translated), service, label, value));
    else {
      groups.set(label, new Map(translated.map(([name, text]) => [name, { label, value: text }])));
      const today = translated.map(([name, text]) => `${LABEL_PREFIX}${name}=${text}`).join(' ');
      problems.push(hrmProblem(hrmDeprecated(today), service, label, value));
    }
  }
  return { groups, problems };
}

function parsePairs(value: string): Map<string, string> {
  const pairs = value.split(',').map((pair) => {
    const [, key = '', text = ''] = /^\s*([^=]*?)\s*=\s*(.*?)\s*$/s.exec(pair) ?? [];
    // Short form: the port is the key, the route is the value.
    return /^\d+$/.test(key)
      ? [
          ['internal_port', key],
          ['external_route', text],
        ]
      : [[key.toLowerCase(), text]];
  });
  return new Map(pairs.flat() as [string, string][]);
}

/** The current labels, or the error. */
function translate(pairs: ReadonlyMap<string, string>, { ports }: SwarmService): [LabelName, string][] | string {
  const [, scheme, host = ''] = /^(http|https|sni):\/\/([^/]*)\/?$/i.exec(pairs.get('external_route') ?? '') ?? [];
  if (scheme === undefined) return 'has no external_route such as http://app.example.org';
  if (scheme.toLowerCase() === 'sni') return 'requests TLS by SNI, which requires com.docker.lb.ssl_passthrough';
  const published = [...new Set(ports.map(({ target }) => target))];
  const port = pairs.get('internal_port') || (published.length === 1 ? String(published[0]) : '');
  if (port === '') return 'has no internal_port, and the service does not publish exactly one port';
  const sticky = pairs.get('sticky_sessions');
  const redirect = pairs.get('redirect');
  return [
    ...(host === '' ? [['default_backend', 'true'] as const] : [['hosts', host] as const]),
    ['port', port] as const,
    ...(sticky ? [['sticky_session_cookie', sticky] as const] : []),
    ...(redirect ? [['redirects', `http://${host},${redirect}`] as const] : []),
  ].map(([name, text]) => [name, text]);
}

function hrmProblem(text: ProblemText, service: SwarmService, label: string, value: string): Problem {
  return { ...text, service: service.name, label, value: shownValue(value) };
}
