import { asGiven, problemKind } from '../model/problem-kind.ts';
import type { ForeignLabel, Remark } from './foreign-label.ts';

export const notConverted = problemKind({
  id: 'convert-not-converted',
  severity: ['error', 'warning', 'notice'],
  meaning:
    '`signalbox convert` finds a label that has no counterpart, or whose counterpart needs attention. Nothing is converted into a route that admits more than before.',
  ...asGiven,
  example: ['has no counterpart', 'Convert it by hand, or leave it out.'],
  at: 'traefik.http.middlewares.shop.plugin.geo',
});

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
