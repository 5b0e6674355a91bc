import type { ForeignLabel, Remark } from './foreign-label.ts';

export const BY_HAND = 'Convert it by hand, or leave it out.';

/** Certificates that the other router orders. */
export function needsIssuer(label: ForeignLabel): Remark {
  return {
    severity: 'notice',
    label,
    reason: 'becomes acme, which needs an issuer in the settings',
    remedy: 'Add [Acme.<name>] to the settings: docs/guides/acme.md.',
  };
}

/** The first one of each reason. */
export function uniqueByReason(remarks: readonly Remark[]): Remark[] {
  return remarks.filter(({ reason }, position) => remarks.findIndex((other) => other.reason === reason) === position);
}
