import { z } from 'zod';
import { label } from '../labels/label.ts';
import type { LabelReader } from '../labels/label-reader.ts';
import type { SecretRef } from '../route.ts';
import { secretName } from '../route-labels/secret-name.ts';
import { judgeRevocations } from '../secrets/judge-revocations.ts';
import { judgeAuthority } from '../secrets/judge-secrets.ts';
import { featureWithDefault, type ReadSecret } from './feature.ts';

/** Whether clients must present a certificate. */
type ClientCertificate = 'none' | 'optional' | 'required';

const labels = {
  ssl_client_ca: label({
    name: 'ssl_client_ca',
    policy: 'protective',
    type: 'name of a secret',
    default: '',
    example: 'clients-ca',
    description:
      "Docker secret with the certificate authority (CA) that must have signed the clients' certificates, in PEM format. In a stack, the stack prefix is optional. Requires `ssl_cert`, `acme` or a certificate of the setting `Certificates`. The client's identity is passed in `X-SSL-Client-*` headers. If the CA is missing or invalid, the hosts answer 503.",
    schema: secretName,
  }),
  ssl_client_crl: label({
    name: 'ssl_client_crl',
    policy: 'protective',
    type: 'name of a secret',
    default: '',
    example: 'clients-crl',
    description:
      'Docker secret with the certificate revocation list (CRL) of `ssl_client_ca`, in PEM format, and nothing else. In a stack, the stack prefix is optional. If `ssl_client_ca` has several CAs, the secret needs a list of each. Revoked certificates are rejected with 400. If the list is missing, invalid or expired, the hosts answer 503.',
    schema: secretName,
  }),
  ssl_client_verify: label<ClientCertificate>({
    name: 'ssl_client_verify',
    policy: 'protective',
    type: '`required` or `optional`',
    default: 'required',
    example: 'optional',
    description:
      'Whether clients must present a certificate signed by `ssl_client_ca`. With `required`, clients without one receive 403, and HTTP requests are redirected to HTTPS.',
    schema: z
      .string()
      .trim()
      .toLowerCase()
      .pipe(z.enum(['required', 'optional'], 'is neither required nor optional')),
  }),
};

const EXPLAINED = {
  none: undefined,
  optional: 'Clients without a certificate are admitted too.',
  required: 'Clients without a valid certificate receive 403.',
} as const;

export const clientCertificate = featureWithDefault({
  labels,
  read(reader): ClientCertificate {
    const wanted = reader.readOr(labels.ssl_client_verify, 'required');
    if (reader.has('ssl_client_ca')) return wanted ?? 'required';
    if (reader.has('ssl_client_verify') && wanted !== undefined)
      reader.refuse(labels.ssl_client_verify, 'is set without a CA', 'Name the secret with the CA in ssl_client_ca.');
    return 'none';
  },
  message: z.enum(['none', 'optional', 'required']),
  conflict: 'ssl_client_verify',
  deciding: () => ['ssl_client_verify', 'ssl_client_ca'],
  stage: 'entry',
  explain: (wanted) => ({
    ssl_client_ca:
      wanted === 'none'
        ? undefined
        : "Clients are asked for a certificate that this CA has signed. The service receives the client's identity in X-SSL-Client-* headers.",
    // The list belongs to the TLS of the host: whoever it names is one without a valid certificate.
    ssl_client_crl: undefined,
    ssl_client_verify: EXPLAINED[wanted],
  }),
  // The redirect to HTTPS has the same text as that of `ssl_only`, see usage.ts.
  bytes: () => 0,
});

/** The CA belongs to the TLS of the hosts. '' if client certificates are not requested, undefined if the label is invalid. */
export function readClientCa(
  reader: LabelReader,
  isTerminated: boolean,
  readSecret: ReadSecret,
): SecretRef | undefined {
  if (!reader.has('ssl_client_ca')) return '';
  const ca = readSecret(labels.ssl_client_ca, judgeAuthority);
  if (ca !== undefined && !isTerminated)
    reader.refuse(
      labels.ssl_client_ca,
      'requires TLS termination in the proxies, which ssl_cert enables',
      'Name the secret with the certificate in ssl_cert, and remove ssl_passthrough.',
    );
  return ca;
}

/** The revocation list. '' if none is checked, undefined if the label is invalid. */
export function readClientCrl(reader: LabelReader, readSecret: ReadSecret): SecretRef | undefined {
  if (!reader.has('ssl_client_crl')) return '';
  const crl = readSecret(labels.ssl_client_crl, judgeRevocations);
  if (crl !== undefined && !reader.has('ssl_client_ca'))
    reader.refuse(labels.ssl_client_crl, 'is set without a CA', 'Name the secret with the CA in ssl_client_ca.');
  return crl;
}
