import { z } from 'zod';
import type { CertificateStatus } from '../../model/acme/plan.ts';

const time = z.iso.datetime();

/** A certificate that is ordered and renewed automatically. */
export const certificateSchema = z.object({
  /** Host or wildcard that it is for. */
  name: z.string(),
  issuer: z.string(),
  hosts: z.array(z.string()),
  services: z.array(z.string()),
  /** `pending` before the first certificate. */
  status: z.enum(['valid', 'expired', 'pending']),
  serial: z.string().nullable(),
  notBefore: time.nullable(),
  notAfter: time.nullable(),
  /** An order is under way. */
  isOrdering: z.boolean(),
  /** When it is ordered or renewed next; null if that is now. */
  nextAt: time.nullable(),
  /** Why it waits, or the last error. */
  reason: z.string().nullable(),
});

export type CertificateView = z.infer<typeof certificateSchema>;

export function viewCertificates(statuses: readonly CertificateStatus[], now: number): CertificateView[] {
  const toTime = (ms: number | undefined) => (ms === undefined ? null : new Date(ms).toISOString());
  return statuses.map(({ name, issuer, hosts, services, current, isOrdering, nextAt, refusal, failure }) => ({
    name,
    issuer,
    hosts: [...hosts],
    services: [...services],
    status: current === undefined ? 'pending' : current.notAfter > now ? 'valid' : 'expired',
    serial: current?.serial ?? null,
    notBefore: toTime(current?.notBefore),
    notAfter: toTime(current?.notAfter),
    isOrdering,
    nextAt: nextAt > now ? toTime(Math.round(nextAt)) : null,
    reason: failure?.reason ?? refusal?.reason ?? null,
  }));
}
