import type { CertificateView } from '../../controller/admin/certificates.ts';
import type { Aspect } from './health.ts';

export type { CertificateView };

/** By what certificates can be sorted: the titles of the columns. */
export const orders = {
  host: 'Hosts',
  secret: 'Secret',
  issuer: 'Issuer',
  expires: 'Expires',
  renewal: 'Next order',
  status: 'Status',
} as const;
export type OrderKey = keyof typeof orders;

export interface Order {
  readonly key: OrderKey;
  readonly isDescending: boolean;
}

/** As in the address: `expires`, or `-expires` for the latest first. */
export function parseOrder(text = ''): Order {
  const isDescending = text.startsWith('-');
  const name = isDescending ? text.slice(1) : text;
  const key = (Object.keys(orders) as OrderKey[]).find((key) => key === name);
  return key === undefined ? { key: 'status', isDescending: false } : { key, isDescending };
}

/** The order after a click on a column. */
export function toggled({ key, isDescending }: Order, clicked: OrderKey): string {
  return key === clicked && !isDescending ? `-${clicked}` : clicked;
}

const urgency: Readonly<Record<Aspect, number>> = { danger: 0, caution: 1, off: 2, clear: 3 };

/** Equal ones by host. What is missing comes first: no expiry is more urgent than an early one. */
export function sortCertificates(all: readonly CertificateView[], { key, isDescending }: Order): CertificateView[] {
  const sign = isDescending ? -1 : 1;
  return all.toSorted((a, b) => sign * compare(orderedBy(a, key), orderedBy(b, key)) || compare(hostOf(a), hostOf(b)));
}

function compare(a: string | number, b: string | number): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function orderedBy(certificate: CertificateView, key: OrderKey): string | number {
  switch (key) {
    case 'host':
      return hostOf(certificate);
    case 'secret':
      return certificate.secret ?? '';
    case 'issuer':
      return certificate.issuer ?? '';
    case 'expires':
      return certificate.notAfter ?? '';
    case 'renewal':
      return certificate.nextAt ?? '';
    case 'status':
      return urgency[statusOf(certificate).aspect];
  }
}

function hostOf({ hosts, name }: CertificateView): string {
  return hosts[0] ?? name;
}

export function matchesCertificate(
  { name, hosts, names, services, issuer, secret }: CertificateView,
  filter: string,
): boolean {
  const text = filter.trim().toLowerCase();
  const parts = [name, ...hosts, ...names, ...services, issuer ?? '', secret ?? ''];
  return parts.some((part) => part.toLowerCase().includes(text));
}

export function statusOf({ status, reason, source }: CertificateView): { aspect: Aspect; title: string } {
  if (status === 'expired') return { aspect: 'danger', title: 'Expired' };
  if (status === 'invalid') return { aspect: 'danger', title: 'Invalid' };
  if (status === 'pending' && source === 'secret') return { aspect: 'caution', title: 'Not read yet' };
  if (status === 'pending') return { aspect: reason === null ? 'caution' : 'danger', title: 'Not issued yet' };
  return reason === null ? { aspect: 'clear', title: 'Valid' } : { aspect: 'caution', title: 'Valid, with a warning' };
}
