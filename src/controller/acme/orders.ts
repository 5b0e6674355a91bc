import { createPrivateKey, X509Certificate } from 'node:crypto';
import { backoffMs } from '../../lib/backoff.ts';
import type { Logger } from '../../lib/logger.ts';
import { sleep } from '../../lib/sleep.ts';
import { certificateLabels, certificateName } from '../../model/acme/certificates.ts';
import { isInternal } from '../../model/acme/internal.ts';
import type { Issuer } from '../../model/acme/issuers.ts';
import { accountTarget, namedTarget } from '../../model/acme/service.ts';
import { type AcmeState, type DueOrder, type Failure, failed, succeeded } from '../../model/acme/state.ts';
import type { OrderRequest, OrderResponse } from '../../protocol/acme-messages.ts';
import type { InternalCa } from '../../protocol/internal-ca.ts';
import { ConflictError, type Swarm } from '../ports.ts';
import type { AcmeClient } from './ports.ts';
import type { StateBook } from './state-book.ts';

export interface OrderParts {
  readonly client: AcmeClient;
  readonly internalCa: Pick<InternalCa, 'issue'>;
  readonly swarm: Pick<Swarm, 'createSecret'>;
  readonly book: StateBook;
  readonly logger: Logger;
  readonly now: () => number;
}

/** For metrics. */
export type OrderResult = 'issued' | Failure['kind'];

/**
 * Executes an order that the state already contains. The certificate is stored before anything else: if the controller
 * ends here, the next one finds it.
 */
export async function execute(
  order: DueOrder,
  issuer: Issuer,
  parts: OrderParts,
  signal: AbortSignal,
): Promise<OrderResult | undefined> {
  const { client, logger, now } = parts;
  const ordered = isInternal(issuer) ? issue(order.name, parts) : client.order(requestFor(issuer, order.name), signal);
  const result = await ordered
    .then((response) => store(response, order, issuer, parts))
    .catch((error: Error) => ({ kind: 'other' as const, reason: error.message, retryAt: undefined }));
  if (result.kind === 'issued') {
    await record((state) => succeeded(state, order.name, now(), result), parts, signal);
    return 'issued';
  }
  // The reservation expires: nothing is known about the order.
  if (signal.aborted) return undefined;
  const { retryAt, kind, reason } = result;
  const failure: Failure = { kind, reason: reason.slice(0, 1000), at: now() };
  logger.warn({ name: order.name, issuer: issuer.name, ...failure }, 'Certificate not issued');
  await record((state) => failed(state, order.name, failure, retryAt), parts, signal);
  return kind;
}

/** An order that is not recorded as ended keeps its host waiting until the reservation expires. */
async function record(
  change: (state: AcmeState) => AcmeState,
  { book, logger }: OrderParts,
  signal: AbortSignal,
): Promise<void> {
  for (let attempt = 1; !signal.aborted; attempt++) {
    try {
      await book.update(change);
      return;
    } catch (error) {
      logger.warn({ reason: (error as Error).message }, 'Order not recorded');
      await sleep(backoffMs(attempt), signal);
    }
  }
}

async function issue(name: string, { internalCa, now }: OrderParts): Promise<OrderResponse> {
  return { kind: 'issued', ...(await internalCa.issue(name, now())), ari: '', names: [name] };
}

async function store(response: OrderResponse, { name }: DueOrder, issuer: Issuer, { swarm, logger }: OrderParts) {
  if (response.kind === 'failed') return response.failure;
  const { chain, key, serial, notBefore, notAfter, ari, names } = response;
  const fault = faultOf(response, name);
  if (fault !== undefined) return { kind: 'other' as const, reason: fault, retryAt: undefined };
  const facts = { issuer: issuer.name, names, serial, notBefore, notAfter, ari, profile: issuer.Profile };
  const secret = certificateName(name, chain);
  const object = { name: secret, labels: certificateLabels(facts), data: `${chain.trim()}\n${key.trim()}\n` };
  await swarm.createSecret(object).catch((error) => {
    if (!(error instanceof ConflictError)) throw error;
  });
  logger.info({ name, issuer: issuer.name, secret, notAfter: new Date(notAfter).toISOString() }, 'Stored certificate');
  return { kind: 'issued' as const, notBefore, notAfter };
}

/** The service is not trusted to return what was ordered. */
function faultOf({ chain, key, names }: Extract<OrderResponse, { kind: 'issued' }>, name: string): string | undefined {
  try {
    const leaf = new X509Certificate(chain);
    if (names.length !== 1 || names[0] !== name || leaf.subjectAltName !== `DNS:${name}`)
      return `the certificate is for ${names.join(', ')}`;
    return leaf.checkPrivateKey(createPrivateKey(key)) ? undefined : 'the private key is of another certificate';
  } catch {
    return 'the certificate cannot be read';
  }
}

function requestFor(issuer: Issuer, name: string): OrderRequest {
  return {
    directory: issuer.Directory,
    email: issuer.Email,
    accountKey: accountTarget(issuer),
    challenge: issuer.Challenge,
    keyType: issuer.KeyType,
    profile: issuer.Profile,
    preferredChain: issuer.PreferredChain,
    externalAccountKid: issuer.ExternalAccountKid,
    externalAccountSecret: namedTarget(issuer.ExternalAccountSecret),
    ca: namedTarget(issuer.Ca),
    dnsProvider: issuer.DnsProvider,
    dnsSecret: namedTarget(issuer.DnsSecret),
    names: [name],
  };
}
