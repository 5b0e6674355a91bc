import type { TaskAnswer } from '../model/backends/explain-tasks.ts';
import type { Answer, ExplainedRoute, Explanation } from '../model/explain/explanation.ts';
import { type Io, paint } from './io.ts';

/** Adds the state of the tasks, if the explanation is of a running swarm. */
export type LiveExplanation = Explanation & { readonly tasks?: TaskAnswer };

export function isAnswered({ kind }: Answer): boolean {
  return kind === 'service' || kind === 'redirect';
}

export function describeExplanation(
  { url, answer, because, passedOver, effects, fromSettings, tasks }: LiveExplanation,
  cluster: string,
  io: Io,
): string {
  const owners = new Set(fromSettings.map(({ service }) => service));
  const others = passedOver.map(({ route, reason }) => `  - ${describeRoute(route)}\n      ${reason}`);
  const done = effects.map(({ label, text }) => `  - ${label}: ${text}`);
  const given = fromSettings.map(
    ({ service, label, value, from }) =>
      `  - ${label} = ${value} (from ${from})${owners.size > 1 ? `: ${service}` : ''}`,
  );
  return [
    `${paint(io, 'bold', url)} ${paint(io, 'dim', `(service cluster ${cluster})`)}`,
    `  ${paint(io, isAnswered(answer) && tasks !== 'none' ? 'green' : 'red', describeAnswer(answer, tasks))}`,
    ...because.map((step) => `  - ${step}`),
    ...(done.length > 0 ? [paint(io, 'bold', 'What its labels do'), ...done] : []),
    ...(given.length > 0 ? [paint(io, 'bold', 'Labels from the settings'), ...given] : []),
    ...(others.length > 0 ? [paint(io, 'bold', 'Other routes'), ...others] : []),
    '',
  ].join('\n');
}

function describeAnswer(answer: Answer, tasks: LiveExplanation['tasks']): string {
  switch (answer.kind) {
    case 'service':
      if (tasks === 'none') return `No task answers: ${describeRoute(answer.route)}`;
      return `${answer.route.services.join(', ')} by the route ${answer.route.host}${answer.route.path}${answer.requestUri === '' ? '' : `, request URI ${answer.requestUri}`}`;
    case 'redirect':
      return `${answer.status} to ${answer.location}`;
    case 'unavailable':
      return `503: ${describeRoute(answer.route)} is unavailable`;
    case 'maintenance':
      return '503: under maintenance';
    case 'no-path':
      return '404: no route matches this path';
    case 'no-host':
      return '503: no route matches this host';
    case 'bad-request':
      return '400: the path is invalid';
    case 'no-certificate':
      return 'The TLS handshake fails';
    case 'refused':
      return 'The connection is refused or closed';
  }
}

function describeRoute({ host, path, match, services }: ExplainedRoute): string {
  return `${host}${path}${match === undefined ? '' : ` if ${match}`} → ${services.join(', ')}`;
}
