import type { Logger } from '../../lib/logger.ts';
import type { StoredCertificate } from '../../model/acme/certificates.ts';
import type { Issuers } from '../../model/acme/issuers.ts';
import { isUsableWindow } from '../../model/acme/renewal.ts';
import { namedTarget } from '../../model/acme/service.ts';
import { MINUTE_MS, withWindow } from '../../model/acme/state.ts';
import type { AcmeClient } from './ports.ts';
import type { StateBook } from './state-book.ts';

interface Parts {
  readonly client: Pick<AcmeClient, 'renewalInfo'>;
  readonly book: StateBook;
  readonly issuers: Issuers;
  readonly logger: Logger;
  readonly now: () => number;
}

/** Asks the CA when it wants certificates to be renewed. */
export async function readWindows(
  certificates: readonly StoredCertificate[],
  parts: Parts,
  signal: AbortSignal,
): Promise<void> {
  await Promise.all(certificates.map((certificate) => readWindow(certificate, parts, signal)));
}

/** Without an answer, the share of the lifetime decides, and the CA is asked again later. */
async function readWindow(
  certificate: StoredCertificate,
  { client, book, issuers, logger, now }: Parts,
  signal: AbortSignal,
): Promise<void> {
  const { secret, ari } = certificate;
  const issuer = issuers.get(certificate.issuer);
  if (issuer === undefined) return;
  const request = { directory: issuer.Directory, ca: namedTarget(issuer.Ca), ari };
  const { window, againAfterMs } = await client.renewalInfo(request, signal).catch((error: Error) => {
    logger.debug({ secret, reason: error.message }, 'No renewal information');
    return { window: undefined, againAfterMs: 60 * MINUTE_MS };
  });
  const checkAfter = now() + Math.max(MINUTE_MS, againAfterMs);
  const usable = window !== undefined && isUsableWindow(window, certificate, now()) ? window : undefined;
  await book.update((state) => withWindow(state, secret, { ...(usable ?? state.windows[secret]), checkAfter }));
}
