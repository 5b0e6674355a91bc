import { LABEL_PREFIX } from '../labels/label.ts';
import { type Problem, shownValue } from '../problem.ts';
import type { CertificateStatus } from './plan.ts';
import { DAY_MS, type FailureKind } from './state.ts';

/** From which remaining lifetime a certificate that cannot be renewed is an error. */
const ERROR_BELOW_MS = 3 * DAY_MS;

const remedies: Readonly<Record<FailureKind, string>> = {
  'rate-limited': 'Nothing to do: the order is repeated when the CA allows it. A wildcard needs fewer orders.',
  unauthorized:
    "Check that the host's DNS records lead to the proxies, and that the CA reaches their HTTP port as port 80. For dns-01, check the provider's settings.",
  dns: "Check the host's DNS records.",
  caa: "Allow the CA in the domain's CAA records.",
  unreachable: 'Check that the nodes reach the CA, and its Directory and Ca in the settings.',
  account: "Check the issuer's table [Acme.<name>] in the settings: Email, AcceptTerms, ExternalAccountKid, Profile.",
  other: "See the log of the service signalbox-acme and the CA's documentation.",
};

/** How to fix what keeps a certificate from being ordered; undefined if nothing does. */
export function remedyOf({ failure, refusal }: Pick<CertificateStatus, 'failure' | 'refusal'>): string | undefined {
  return failure === undefined ? refusal?.remedy : remedies[failure.kind];
}

/** What owners of services should know about their certificates. */
export function certificateProblems(statuses: readonly CertificateStatus[], now: number): Problem[] {
  return statuses.flatMap((status) => {
    const found = judge(status, now);
    return found === undefined ? [] : [toProblem(status, found)];
  });
}

type Judgement = Pick<Problem, 'severity' | 'reason' | 'remedy'>;

function judge({ name, current, failure, refusal, isOrdering }: CertificateStatus, now: number): Judgement | undefined {
  const shown = shownValue(name);
  if (current === undefined) {
    if (failure !== undefined) return { severity: 'error', ...failureText(`${shown} has no certificate`, failure) };
    if (refusal !== undefined)
      return { severity: 'error', reason: `the certificate for ${shown} ${refusal.reason}`, remedy: refusal.remedy };
    const doing = isOrdering ? 'is being ordered' : 'is ordered next';
    return { severity: 'notice', reason: `the certificate for ${shown} ${doing}`, remedy: 'Wait a moment.' };
  }
  const left = current.notAfter - now;
  const severity = left < ERROR_BELOW_MS && left < (current.notAfter - current.notBefore) / 10 ? 'error' : 'warning';
  const renewed = `the certificate for ${shown} cannot be renewed`;
  if (failure !== undefined) return { severity, ...failureText(renewed, failure) };
  if (refusal !== undefined) return { severity, reason: `${renewed}: it ${refusal.reason}`, remedy: refusal.remedy };
  return left < 0
    ? { severity: 'error', reason: `the certificate for ${shown} has expired`, remedy: remedies.other }
    : undefined;
}

function failureText(what: string, { kind, reason }: NonNullable<CertificateStatus['failure']>) {
  return { reason: `${what}: ${shownValue(reason)}`, remedy: remedies[kind] };
}

function toProblem({ hosts, services }: CertificateStatus, judgement: Judgement): Problem {
  const label = `${LABEL_PREFIX}acme`;
  const affects = services.map((service) => ({ service, label, routes: hosts }));
  return { ...judgement, ...(services.length === 1 ? { service: services[0]! } : {}), label, affects };
}
