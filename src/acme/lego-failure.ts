import type { OrderFailure } from '../protocol/acme-messages.ts';

/** `urn:ietf:params:acme:error:<type> :: <sentence>`, as lego writes errors of the CA. */
const CA_ERROR = /urn:ietf:params:acme:error:(\w+)"? :: (.+?)(?=, problem: "|, url: |\n|$)/g;

const KINDS: Readonly<Record<string, OrderFailure['kind']>> = {
  accountDoesNotExist: 'account',
  badSignatureAlgorithm: 'account',
  caa: 'caa',
  connection: 'unauthorized',
  dns: 'dns',
  externalAccountRequired: 'account',
  incorrectResponse: 'unauthorized',
  invalidContact: 'account',
  invalidProfile: 'account',
  rateLimited: 'rate-limited',
  tls: 'unauthorized',
  unauthorized: 'unauthorized',
  unsupportedContact: 'account',
  userActionRequired: 'account',
};

const MOST_LENGTH = 1000;

/** What lego's output means. The sentence of the CA is for the owner of the host; it contains no secrets. */
export function failureOf(output: string): OrderFailure {
  // The last one decided: others were retried.
  const [type, sentence] = [...output.matchAll(CA_ERROR)]
    .map(([, type, sentence]) => [type!, sentence!] as const)
    .findLast(([type]) => type !== 'badNonce') ?? [undefined, ''];
  if (type !== undefined) {
    const retryAt = retryTime(sentence);
    const reason = `the CA answers: ${sentence.trim()}`.slice(0, MOST_LENGTH);
    return { kind: KINDS[type] ?? 'other', reason, ...(retryAt === undefined ? {} : { retryAt }) };
  }
  if (output.includes('error:badNonce'))
    return { kind: 'unreachable', reason: 'the CA rejected all requests as outdated' };
  return ownFailure(output);
}

function ownFailure(output: string): OrderFailure {
  if (output.includes('External Account Binding'))
    return { kind: 'account', reason: 'the CA requires ExternalAccountKid and ExternalAccountSecret' };
  if (/get directory at|could not create client/i.test(output))
    return { kind: 'unreachable', reason: `the CA cannot be reached: ${connectionFault(output)}` };
  if (/propagation|NS .* returned|SOA|zone|TXT/i.test(output) || /\bdns\b|DNS provider/.test(output))
    return { kind: 'dns', reason: `the DNS challenge failed: ${lastLine(output)}` };
  return { kind: 'other', reason: lastLine(output) };
}

function connectionFault(output: string): string {
  const known: readonly (readonly [RegExp, string])[] = [
    [/no such host|server misbehaving/, 'its name is not found'],
    [/certificate|x509/, 'its certificate is not trusted'],
    [/connection refused/, 'the connection is refused'],
    [/timeout|deadline|timed out/i, 'it does not answer in time'],
  ];
  return known.find(([pattern]) => pattern.test(output))?.[1] ?? lastLine(output);
}

/** Let's Encrypt writes `retry after 2026-01-02 03:04:05 UTC`. */
function retryTime(sentence: string): number | undefined {
  const [, day, time] = /retry after (\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)/i.exec(sentence) ?? [];
  return day === undefined ? undefined : Date.parse(`${day}T${time}Z`);
}

/** Without lego's time and level. Credentials are never in its output, but values of requests could be: they are cut. */
function lastLine(output: string): string {
  const line = output.trim().split('\n').at(-1)?.trim() ?? '';
  return line.replace(/^\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d /, '').slice(0, 300) || 'lego failed without a message';
}
