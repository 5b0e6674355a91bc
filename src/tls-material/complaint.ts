const MAX_REASON_LENGTH = 100;

/** OpenSSL's reason in an nginx error message: the first error causes the others. */
export function openSslReason(complaint: string): string {
  const reason = /error:[0-9A-F]+:[^:]*:[^:]*:([^:()]+?)(?: error)?(?=[:)]|$)/.exec(complaint)?.[1] ?? complaint;
  return (
    reason
      .replaceAll(/[^A-Za-z0-9 ._,-]/g, ' ')
      .trim()
      .slice(0, MAX_REASON_LENGTH) || 'unknown reason'
  );
}

export interface Complaint {
  /** Name of the secret. */
  readonly secret: string;
  readonly part: 'certificate' | 'key';
  readonly reason: string;
}

/** Parses nginx's error about a certificate or key that it cannot load; undefined for any other error. */
export function parseComplaint(text: string): Complaint | undefined {
  const secret = /"\/run\/secrets\/([^"]+)"/.exec(text)?.[1];
  if (secret === undefined) return undefined;
  const part = /certificate key "|PrivateKey\("/.test(text) ? 'key' : 'certificate';
  return { secret, part, reason: openSslReason(text) };
}
