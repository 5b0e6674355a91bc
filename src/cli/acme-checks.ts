import { randomBytes } from 'node:crypto';
import { request } from 'node:http';
import { text as readText } from 'node:stream/consumers';
import { closestCaa, createDns, type Dns, findAddresses } from '../lib/dns-records.ts';
import { systemMessage } from '../lib/system-message.ts';
import { type AllowedIssuer, allowedIssuers } from '../model/acme/caa.ts';

/** The result of one check, from this machine, whether a CA could issue a certificate for a host now. */
export interface Check {
  readonly check: 'dns' | 'http' | 'caa';
  readonly ok: boolean;
  readonly text: string;
}

export interface CheckOptions {
  readonly dns?: Dns;
  /** Port to which the CA connects. Tests use another one. */
  readonly port?: number;
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 5000;

/** Checks address records, the response of each address to a challenge, and CAA records. */
export async function checkHost(
  host: string,
  { dns = createDns(TIMEOUT_MS), port = 80, timeoutMs = TIMEOUT_MS }: CheckOptions = {},
): Promise<Check[]> {
  const isWildcard = host.startsWith('*.');
  const name = isWildcard ? host.slice(2) : host;
  const caa = checkCaa(name, isWildcard, dns);
  if (isWildcard) return [dnsOnly(host), await caa];
  const { addresses, check } = await checkAddresses(name, dns);
  const answers = await Promise.all(addresses.map((address) => askForChallenge(name, { address, port, timeoutMs })));
  return [check, ...answers.map(({ check }) => check), ...sameAccount(answers), await caa];
}

function dnsOnly(host: string): Check {
  return { check: 'dns', ok: true, text: `${host} is a wildcard: its challenge is a TXT record, not a request` };
}

async function checkAddresses(name: string, dns: Dns): Promise<{ addresses: readonly string[]; check: Check }> {
  try {
    const addresses = await findAddresses(name, dns);
    const text =
      addresses.length === 0
        ? `${name} has neither an A nor an AAAA record: add one that leads to the proxies`
        : `${name} is ${addresses.join(', ')}`;
    return { addresses, check: { check: 'dns', ok: addresses.length > 0, text } };
  } catch (error) {
    const text = `${name} cannot be resolved: ${systemMessage(error as NodeJS.ErrnoException)}`;
    return { addresses: [], check: { check: 'dns', ok: false, text } };
  }
}

interface ChallengeAnswer {
  readonly check: Check;
  /** Thumbprint of the account key. Undefined if the response is wrong. */
  readonly thumbprint?: string;
}

interface Target {
  readonly address: string;
  readonly port: number;
  readonly timeoutMs: number;
}

/** Sends a challenge. The proxies answer any challenge with its token and the thumbprint of the account key. */
async function askForChallenge(host: string, { address, port, timeoutMs }: Target): Promise<ChallengeAnswer> {
  const token = randomBytes(24).toString('base64url');
  const toCheck = (ok: boolean, text: string): Check => ({ check: 'http', ok, text: `${address} ${text}` });
  try {
    const { status, body } = await get(`/.well-known/acme-challenge/${token}`, host, { address, port, timeoutMs });
    const [sent, thumbprint = ''] = body.trim().split('.');
    if (status === 200 && sent === token && /^[\w-]{43}$/.test(thumbprint))
      return { check: toCheck(true, 'answers challenges'), thumbprint };
    const reason =
      'it is not a proxy, the host is not published there, or no issuer with http-01 orders its certificate';
    return { check: toCheck(false, `answers a challenge with ${status}: ${reason}`) };
  } catch (error) {
    const { name, code } = error as NodeJS.ErrnoException;
    const isLate = name === 'TimeoutError' || code === 'ABORT_ERR';
    const reason = isLate ? `no answer within ${timeoutMs / 1000} s` : systemMessage(error as NodeJS.ErrnoException);
    return { check: toCheck(false, `does not answer on port ${port}: ${reason}`) };
  }
}

async function get(path: string, host: string, { address, port, timeoutMs }: Target) {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; body: string }>();
  const signal = AbortSignal.timeout(timeoutMs);
  const outgoing = request({ host: address, port, path, headers: { host }, agent: false, signal });
  outgoing
    .on('response', (response) => {
      readText(response).then((body) => resolve({ status: response.statusCode ?? 0, body }), reject);
    })
    .on('error', reject)
    .end();
  return promise;
}

/** Reports addresses of different accounts: a CA may connect to any of the addresses. */
function sameAccount(answers: readonly ChallengeAnswer[]): Check[] {
  const thumbprints = new Set(answers.flatMap(({ thumbprint }) => thumbprint ?? []));
  if (thumbprints.size < 2) return [];
  return [{ check: 'http', ok: false, text: 'the addresses answer for different accounts: they are different swarms' }];
}

/** Shows the CAA records of the closest name that has any. The user must compare the CAs, since the issuer is not known here. */
async function checkCaa(name: string, isWildcard: boolean, dns: Dns): Promise<Check> {
  try {
    const { owner, records } = await closestCaa(name, dns);
    if (records.length === 0) return { check: 'caa', ok: true, text: 'no CAA records: any CA may issue' };
    const issuers = allowedIssuers(records, isWildcard);
    if (issuers === undefined)
      return { check: 'caa', ok: true, text: `CAA records of ${owner} name no CA: any may issue` };
    if (issuers.length === 0)
      return { check: 'caa', ok: false, text: `CAA records of ${owner} forbid certificates: name the CA in them` };
    return { check: 'caa', ok: true, text: `CAA records of ${owner} allow only ${listed(issuers)}` };
  } catch (error) {
    const text = `CAA records cannot be read: ${systemMessage(error as NodeJS.ErrnoException)}`;
    return { check: 'caa', ok: false, text };
  }
}

function listed(issuers: readonly AllowedIssuer[]): string {
  return [...new Set(issuers.map(({ domain }) => domain))].join(', ');
}
