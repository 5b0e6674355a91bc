import type { ReadSecret } from '../features/feature.ts';
import type { LabelReader } from '../label-reader.ts';
import { type ClientCertificate, labels } from '../labels.ts';
import { judgeAuthority } from '../judge-secrets.ts';
import type { SecretRef } from '../route.ts';

export function readClientCertificate(reader: LabelReader): ClientCertificate {
  const wanted = reader.readOr(labels.ssl_client_verify, 'required');
  if (reader.has('ssl_client_ca')) return wanted ?? 'required';
  if (reader.has('ssl_client_verify') && wanted !== undefined)
    reader.refuse(labels.ssl_client_verify, 'is set without a CA', 'Name the secret with the CA in ssl_client_ca.');
  return 'none';
}

/** '' if client certificates are not requested, undefined if the label is invalid. */
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
