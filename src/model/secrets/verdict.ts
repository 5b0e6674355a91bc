/** A problem of a secret's content. */
export interface Verdict {
  /** `error`: all handshakes fail or should fail. */
  readonly severity: 'error' | 'warning';
  /** The invalid one of certificate and key. */
  readonly part: 'certificate' | 'key';
  /** A sentence that names the secret. */
  readonly reason: string;
  readonly remedy: string;
}

export function refuse(part: Verdict['part'], reason: string, remedy: string): Verdict {
  return { severity: 'error', part, reason, remedy };
}

export function warn(reason: string, remedy: string): Verdict {
  return { severity: 'warning', part: 'certificate', reason, remedy };
}
