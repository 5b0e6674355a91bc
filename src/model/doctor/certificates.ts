import { type Check, inWords } from './check.ts';
import type { DoctorFacts } from './facts.ts';

const DAY_MS = 86_400_000;
const SOON_MS = 30 * DAY_MS;

export const certificates: Check<DoctorFacts> = {
  id: 'certificates',
  title: 'No certificate that hosts use expires within 30 days',
  run({ certificates, now }) {
    // Renewed ones are reported by their own problems if their renewal fails.
    const own = certificates.filter(({ isRenewed }) => !isRenewed);
    const over = own.filter(({ notAfter }) => notAfter <= now).map(({ name }) => name);
    const soon = own.filter(({ notAfter }) => notAfter > now && notAfter - now < SOON_MS);
    const dated = soon.map(({ name, notAfter }) => `${name} (${new Date(notAfter).toISOString().slice(0, 10)})`);
    const fix =
      'Create a secret with a new certificate, and set the label to it. Or let Signalbox order it: docs/guides/acme.md.';
    return [
      ...(over.length === 0
        ? []
        : [{ severity: 'error' as const, what: `Expired: ${inWords(over)}`, why: 'Clients reject it.', fix }]),
      ...(dated.length === 0
        ? []
        : [
            {
              severity: 'warning' as const,
              what: `Expires soon: ${inWords(dated)}`,
              why: 'Clients will reject it.',
              fix,
            },
          ]),
    ];
  },
};
