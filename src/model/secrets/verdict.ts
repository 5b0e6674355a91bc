import { asGiven, type ProblemText, problemKind } from '../problem-kind.ts';

export const secretInvalid = problemKind({
  id: 'secret-invalid',
  severity: 'error',
  meaning: `The content of a secret cannot be used: it is no certificate, key, CA, revocation list or list of users, or OpenSSL rejects it. Handshakes would fail, so its hosts answer 503 or are closed, unless another good certificate serves in its place.`,
  ...asGiven,
  example: ['secret shop.key contains no private key', 'Store the key in PEM format.'],
  at: 'com.docker.lb.ssl_key',
});

export const certificateDoubtful = problemKind({
  id: 'certificate-doubtful',
  severity: 'warning',
  meaning: `A certificate is served, but some clients may reject it, or the first handshakes after a change.`,
  ...asGiven,
  example: [
    'the certificate chain in secret shop.cert is out of order',
    'Put each certificate directly after the one that it signed.',
  ],
  at: 'com.docker.lb.ssl_cert',
});

/** A problem of a secret's content. The reason names the secret. `error`: all handshakes fail or should fail. */
export interface Verdict extends ProblemText {
  /** The invalid one of certificate and key. */
  readonly part: 'certificate' | 'key';
}

export function refuse(part: Verdict['part'], reason: string, remedy: string): Verdict {
  return { ...secretInvalid(reason, remedy), part };
}

export function warn(reason: string, remedy: string): Verdict {
  return { ...certificateDoubtful(reason, remedy), part: 'certificate' };
}

/** The day of a time in RFC 3339. */
export function dayOf(time: string): string {
  return time.slice(0, 10);
}

export function textOf({ part: _, ...text }: Verdict): ProblemText {
  return text;
}
