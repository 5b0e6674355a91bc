import { plainText } from '../lib/plain-text.ts';
import type { Problem } from '../model/problem.ts';
import { problemKind } from '../model/problem-kind.ts';
import type { RenderInput } from '../model/render-input.ts';
import type { Route } from '../model/route.ts';

export const valueTooLong = problemKind({
  id: 'route-not-sendable',
  severity: 'error',
  meaning: `A route cannot be sent to the extension. It is skipped.`,
  reason: (fault: string) => `A route is skipped because a value exceeds a limit: ${fault}`,
  remedy: 'Shorten the value. Please report this as a bug: validation should have caught it.',
  example: ['Too big: expected string to have <=253 characters'],
});

export const rejectionForeign = problemKind({
  id: 'rejection-foreign',
  severity: 'error',
  meaning: `The extension rejects services of which it was not asked. This is ignored.`,
  reason: (services: string) => `The extension rejects services that are not in its cluster: ${services}`,
  remedy: "The rejection is ignored. Check the extension's image and templates: it may be compromised.",
  example: ['bank_web'],
});

export const serviceRejected = problemKind({
  id: 'service-rejected',
  severity: 'error',
  meaning: `nginx rejects the configuration of one service. The service is left out, all others are served.`,
  reason: (message: string) => `nginx rejects the configuration of this service: ${message}`,
  remedy: 'The service is skipped. Please report this as a bug: validation should have caught it.',
  example: ['invalid number of arguments'],
});

const MAX_SHOWN = 5;
/** Length limit of errors with text from the extension. */
const MAX_ERROR = 500;

/** Services that were not in the request are reported as a problem of the extension. */
export function toProblems(
  refused: readonly { service: string; message: string }[],
  { cluster, routes, streams }: RenderInput,
): Problem[] {
  const asked = new Set([...routes, ...streams].map(({ service }) => service.name));
  const own = new Map(refused.filter(({ service }) => asked.has(service)).map((refusal) => [refusal.service, refusal]));
  const unknown = new Set(refused.map(({ service }) => service).filter((service) => !asked.has(service)));
  return [
    ...[...own.values()].map((refusal) => toProblem(refusal, cluster)),
    ...(unknown.size === 0 ? [] : [unknownServices([...unknown], cluster)]),
  ];
}

export function unsendable(
  route: Pick<Route, 'service'>,
  fault: string | undefined,
  { cluster }: RenderInput,
): Problem {
  return {
    ...valueTooLong(plainText(fault ?? '', MAX_ERROR)),
    service: route.service.name,
    cluster,
  };
}

function unknownServices(services: readonly string[], cluster: string): Problem {
  const shown = services.slice(0, MAX_SHOWN).map((service) => plainText(service, 64));
  const more = services.length > MAX_SHOWN ? ` and ${services.length - MAX_SHOWN} more` : '';
  return {
    ...rejectionForeign(`${shown.join(', ')}${more}`),
    cluster,
  };
}

function toProblem({ service, message }: { service: string; message: string }, cluster: string): Problem {
  return {
    ...serviceRejected(message),
    service,
    cluster,
  };
}
