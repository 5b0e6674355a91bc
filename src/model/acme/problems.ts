import { LABEL_PREFIX } from '../labels/label.ts';
import { type Problem, shownValue } from '../problem.ts';
import type { ProblemText } from '../problem-kind.ts';
import { asGiven, problemKind } from '../problem-kind.ts';
import type { CertificateStatus, NotedCertificate } from './plan.ts';
import { DAY_MS, type FailureKind } from './state.ts';

export const orderFailed = problemKind({
  id: 'acme-order-failed',
  severity: 'error',
  meaning: `An ACME certificate could not be ordered. The hosts have no certificate until an order succeeds; it is repeated at growing intervals.`,
  ...asGiven,
  example: ['app.example.org has no certificate: DNS has no address', 'Create the DNS record of the host.'],
});

export const certificateOrdered = problemKind({
  id: 'acme-certificate-pending',
  severity: 'notice',
  meaning: `An ACME certificate is being ordered.`,
  reason: (name: string, doing: string) => `the certificate for ${name} ${doing}`,
  remedy: 'Wait a moment.',
  example: ['app.example.org', 'is being ordered'],
});

export const renewalFailed = problemKind({
  id: 'acme-renewal-failed',
  severity: ['warning', 'error'],
  meaning: `An ACME certificate is due, but cannot be renewed. The current one serves until it expires. It becomes an error shortly before that.`,
  ...asGiven,
  example: ['the certificate for app.example.org cannot be renewed: the CA does not answer', 'Check the network.'],
});

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
export function certificateProblems(
  statuses: readonly (CertificateStatus & Partial<NotedCertificate>)[],
  now: number,
): Problem[] {
  return statuses.flatMap((status) => {
    const found = judge(status, now);
    return [...(found === undefined ? [] : [found]), ...(status.notes ?? [])].map((each) => toProblem(status, each));
  });
}

type Judgment = ProblemText;

function judge({ name, current, failure, refusal, isOrdering }: CertificateStatus, now: number): Judgment | undefined {
  const shown = shownValue(name);
  if (current === undefined) {
    if (failure !== undefined) return orderFailed(...failureText(`${shown} has no certificate`, failure));
    if (refusal !== undefined) return orderFailed(`the certificate for ${shown} ${refusal.reason}`, refusal.remedy);
    const doing = isOrdering ? 'is being ordered' : 'is ordered next';
    return certificateOrdered(shown, doing);
  }
  const left = current.notAfter - now;
  const severity = left < ERROR_BELOW_MS && left < (current.notAfter - current.notBefore) / 10 ? 'error' : 'warning';
  const renewed = `the certificate for ${shown} cannot be renewed`;
  if (failure !== undefined) return { ...renewalFailed(...failureText(renewed, failure)), severity };
  if (refusal !== undefined) return { ...renewalFailed(`${renewed}: it ${refusal.reason}`, refusal.remedy), severity };
  return left < 0
    ? { ...renewalFailed(`the certificate for ${shown} has expired`, remedies.other), severity: 'error' }
    : undefined;
}

function failureText(what: string, { kind, reason }: NonNullable<CertificateStatus['failure']>) {
  return [`${what}: ${shownValue(reason)}`, remedies[kind]] as const;
}

function toProblem({ hosts, services }: CertificateStatus, judgment: Judgment): Problem {
  const label = `${LABEL_PREFIX}acme`;
  const affects = services.map((service) => ({ service, label, routes: hosts }));
  return { ...judgment, ...(services.length === 1 ? { service: services[0]! } : {}), label, affects };
}
