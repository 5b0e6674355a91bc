import { digest } from '../../lib/digest.ts';
import type { StoredCertificate } from './certificates.ts';
import { DAY_MS, type RenewalWindow } from './state.ts';

const SHORT_LIFETIME_MS = 10 * DAY_MS;
/** Share of the lifetime over which renewals of several certificates are spread. */
const SPREAD = 0.05;

type Dated = Pick<StoredCertificate, 'names' | 'notBefore' | 'notAfter'>;

/** When to renew: within the window that the CA suggests, else with a third of the lifetime left, or half if it is short. */
export function renewalTime(certificate: Dated, window: RenewalWindow | undefined): number {
  const share = shareOf(certificate.names.join(' '));
  const { start, end } = window ?? {};
  if (start !== undefined && end !== undefined) return start + share * Math.max(0, end - start);
  const lifetime = certificate.notAfter - certificate.notBefore;
  const left = lifetime < SHORT_LIFETIME_MS ? lifetime / 2 : lifetime / 3;
  return certificate.notAfter - left - share * SPREAD * lifetime;
}

/**
 * Whether a certificate can be renewed within a window of the CA. One that is over means at once. One that reaches
 * beyond the lifetime would renew again and again, or never.
 */
export function isUsableWindow(
  { start, end }: { readonly start: number; readonly end: number },
  { notBefore, notAfter }: Dated,
  now: number,
): boolean {
  if (start > end || end <= notBefore) return false;
  return end <= now || (start >= notBefore && end <= notAfter);
}

/** From 0 to 1, always the same for a name. */
function shareOf(name: string): number {
  return Number.parseInt(digest(name).slice(0, 8), 16) / 2 ** 32;
}
