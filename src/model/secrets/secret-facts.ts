import type { UserFacts } from '../access/users.ts';

/** A proxy's facts about a secret: enough to judge it, but nothing confidential. */
export interface SecretFacts {
  readonly name: string;
  /** In the order of the file, only the first few. */
  readonly certificates: readonly CertificateFacts[];
  /** Whether OpenSSL rejects its certificates. Earlier releases report only this. */
  readonly isBroken: boolean;
  /** OpenSSL's error for the file as a server's certificate and chain; '' if it accepts the file. */
  readonly rejected: string;
  /** nginx's error for the file as a list of CAs; '' if it accepts the file. */
  readonly rejectedAuthority: string;
  /** Whether it has a certificate, private key or revocation list in PEM, valid or not. If not, it is not intended for a proxy. */
  readonly isMaterial: boolean;
  /** Whether the file has PEM blocks with text before BEGIN on the same line, which OpenSSL ignores. */
  readonly hidesBlocks: boolean;
  readonly key: KeyFacts;
  /** Certificate revocation lists. Absent if the file has none, and in reports of earlier releases. */
  readonly revocations?: RevocationFacts | undefined;
  /** The file as a list of users. Absent in reports of earlier releases. */
  readonly users?: UserFacts | undefined;
  /** Secrets with its key. Only if it names an OCSP responder, is followed by its issuer, and nginx accepts both unchanged. */
  readonly stapledWith: readonly string[];
}

/** Facts about all lists of a file: OpenSSL needs one of each authority. */
export interface RevocationFacts {
  readonly count: number;
  /** Whether OpenSSL rejects one of them. */
  readonly isBroken: boolean;
  /** RFC 3339: when all are valid. Absent if none can be read. */
  readonly from?: string | undefined;
  /** When the first one ends. Absent if none does. */
  readonly until?: string | undefined;
}

export interface CertificateFacts {
  /** DNS names of the certificate, in lower case. Reported for the first certificate only. */
  readonly names: readonly string[];
  /** Addresses of the certificate, in the format of hosts: `10.20.30.40`, `[2001:db8::1]`. */
  readonly addresses: readonly string[];
  /** False if there are too many to report. */
  readonly hasAllNames: boolean;
  /** RFC 3339. */
  readonly from: string;
  readonly until: string;
  /** Digest of the public key, which is equal for the matching private key. */
  readonly publicKey: string;
  /** Algorithm, or the name of an elliptic curve; '' in reports of earlier releases. */
  readonly keyType: string;
  /** Size of an RSA key; 0 for other keys. */
  readonly rsaBits: number;
  /** The next certificate has signed it, or there is none. */
  readonly isFollowedByIssuer: boolean;
  /** Clients must require OCSP stapling. */
  readonly wantsStapling: boolean;
  /** Organization and common name of the issuer. Absent in reports of earlier releases. */
  readonly issuer?: string | undefined;
  /** URL of the OCSP responder; '' if there is none over HTTP or it is not accepted. */
  readonly responder: string;
}

export type KeyFacts =
  | { readonly kind: 'none' | 'encrypted' }
  | { readonly kind: 'unreadable'; readonly reason: string }
  | { readonly kind: 'plain'; readonly publicKey: string };

/** OpenSSL's error for a file without a PEM block. */
export const NO_START_LINE = 'no start line';

export function isForProxies({ isMaterial, users }: SecretFacts): boolean {
  return isMaterial || (users?.count ?? 0) > 0;
}

/** The facts about a secret that is not intended for the proxies: nothing about its content. */
export function foreignFacts(name: string): SecretFacts {
  return {
    name,
    certificates: [],
    isBroken: false,
    rejected: NO_START_LINE,
    rejectedAuthority: '',
    isMaterial: false,
    hidesBlocks: false,
    key: { kind: 'none' },
    users: { count: 0 },
    stapledWith: [],
  };
}
