import { answerAt, closed, nowhere, type Step, withoutTermination } from './explain/answer.ts';
import { plainGet, type RequestDetails } from './explain/details.ts';
import type { Explanation, PassedOver } from './explain/explanation.ts';
import { chooseLocation } from './explain/location.ts';
import { choosePathRedirect, redirected, redirectedPath, toCanonical } from './explain/redirects.ts';
import { parseRequest } from './explain/request.ts';
import { answersTo, chooseSecureSite, chooseSite } from './explain/site.ts';
import type { RejectedClaim } from './host-ownership.ts';
import type { Location, RouteTable } from './route-table/table.ts';

interface Surroundings {
  /** The public port. */
  readonly httpsPort: number;
  readonly rejectedClaims?: readonly RejectedClaim[];
  readonly details?: RequestDetails;
}

/** Undefined if the text is not an HTTP or HTTPS URL; the scheme is optional. */
export function explainUrl(
  table: RouteTable,
  text: string,
  { httpsPort, rejectedClaims = [], details = plainGet }: Surroundings,
): Explanation | undefined {
  const request = parseRequest(text);
  if (request === undefined) return undefined;
  const { url, host, path, uri, isSecure } = request;
  const asked = { ...request, ...details, httpsPort };
  const site = isSecure ? chooseSecureSite(table, host) : chooseSite(table.servers, table, host);
  const refused = rejectedClaims
    .filter((claim) => claim.host === undefined || answersTo(claim.host, host))
    .map(refusedRoute);
  const explained = (step: Step, passedOver: readonly PassedOver[] = [], location?: Location): Explanation => ({
    url,
    answer: step.answer,
    because: [...site.because, ...step.because],
    passedOver: [...passedOver, ...site.passedOver, ...refused],
    effects: step.effects ?? [],
    fromSettings: (location?.given ?? []).map(({ service, name: label, value, from }) => ({
      service,
      label,
      value,
      from,
    })),
  });
  if (isSecure && site.tls.kind !== 'terminated') {
    const handedOn = site.locations.find(({ isHandedOn }) => isHandedOn);
    return explained(withoutTermination(site, host, uri), [], handedOn);
  }
  if (path === undefined) {
    const because = ['The path leads above the root.'];
    return { url, answer: { kind: 'bad-request' }, because, passedOver: [], effects: [], fromSettings: [] };
  }
  const redirect = isSecure ? site.secureRedirect : site.redirect;
  if (redirect !== undefined)
    return explained(site.maintenance === undefined ? redirected(redirect, uri, isSecure) : closed(site.maintenance));
  if (site.canonical !== undefined)
    return explained(site.maintenance === undefined ? toCanonical(site.canonical, asked) : closed(site.maintenance));
  const pathRedirect = choosePathRedirect(site, path, isSecure);
  if (pathRedirect !== undefined)
    return explained(redirectedPath(pathRedirect, site, asked), [], pathRedirect.location);
  const { location, because, passedOver } = chooseLocation(site, path, asked);
  const step = location === undefined ? nowhere(site) : answerAt(site.name, location, asked);
  return explained({ ...step, because: [...because, ...step.because] }, passedOver, location);
}

function refusedRoute({ service, host, path, problem }: RejectedClaim): PassedOver {
  const reason = `The claim is ignored: ${problem.reason}.`;
  return { route: { host: host?.name ?? '*', path: path || '/', services: [service] }, reason };
}
