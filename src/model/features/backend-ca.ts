import { z } from 'zod';
import { label } from '../labels/label.ts';
import { conflictingLabels } from '../labels/label-problems.ts';
import type { LabelReader } from '../labels/label-reader.ts';
import type { SecretRef } from '../route.ts';
import { secretName } from '../route-labels/secret-name.ts';
import { judgeAuthority } from '../secrets/judge-secrets.ts';
import { SECRET_FILE } from '../secrets/secret-files.ts';
import { isTls, protocolOf } from './backend-protocol.ts';
import { featureWithDefault } from './feature.ts';
import type { FeatureOptions } from './features.ts';

const labels = {
  ssl_backend_tls_verify: label({
    name: 'ssl_backend_tls_verify',
    policy: 'protective',
    type: '`none` or `required`',
    default: 'none',
    example: 'required',
    description:
      "Whether the proxies verify the service's certificate against `ssl_backend_ca`. Defaults to `required` if that label is set.",
    schema: z
      .string()
      .trim()
      .toLowerCase()
      .refine((value) => ['', 'none', 'required'].includes(value), 'is neither none nor required')
      .transform((value) => value === 'required'),
  }),
  ssl_backend_ca: label({
    name: 'ssl_backend_ca',
    policy: 'protective',
    type: 'name of a secret',
    default: '',
    example: 'backend-ca',
    description:
      "Docker secret with the certificate authority (CA) that must have signed the service's certificate, in PEM format. In a stack, the stack prefix is optional. If the CA is missing or invalid, the route answers 503.",
    schema: secretName,
  }),
};

/** The CA that must have signed the service's certificate; '' if it is not verified. */
export const backendCa = featureWithDefault({
  labels,
  read(reader, { readSecret }): SecretRef | '' {
    const isNamed = reader.has('ssl_backend_ca');
    const isRequired = reader.readOr(labels.ssl_backend_tls_verify, isNamed);
    const ca = isNamed ? readSecret(labels.ssl_backend_ca, judgeAuthority) : undefined;
    // One of them is invalid, so the route is closed.
    if (isRequired === undefined || (isNamed && ca === undefined)) return '';
    if (!isRequired) {
      if (isNamed) noteIgnored(reader);
      return '';
    }
    if (ca === undefined) refuseWithoutCa(reader);
    refuseWithoutTls(reader);
    return ca ?? '';
  },
  message: z.string().regex(SECRET_FILE).or(z.literal('')),
  conflict: 'ssl_backend_ca',
  deciding: () => ['ssl_backend_tls_verify', 'ssl_backend_ca'],
  stage: 'service',
  explain: (ca) => ({
    ssl_backend_tls_verify:
      ca === '' ? undefined : "The proxies verify the service's certificate. Clients receive 502 if it is invalid.",
    ssl_backend_ca: ca === '' ? undefined : `The CA in the secret ${ca} must have signed the service's certificate.`,
  }),
  bytes: (ca) => (ca === '' ? 0 : 250 + 2 * ca.length),
  secrets: (ca) => (ca === '' ? [] : [ca]),
  withSecrets: (ca, rename) => (ca === '' ? '' : rename(ca)),
});

type Verification = Pick<FeatureOptions, 'backendCa' | 'backendName'>;

/** Whether the service demands a verification of its certificate that these options do not give. */
export function lacksVerification(demanded: Verification, given: Verification): boolean {
  if (demanded.backendCa === '') return false;
  return demanded.backendCa !== given.backendCa || demanded.backendName !== given.backendName;
}

function noteIgnored(reader: LabelReader): void {
  const reason = 'is ignored: ssl_backend_tls_verify is none';
  reader.note(labels.ssl_backend_ca, conflictingLabels(reason, 'Remove one of the two labels.'));
}

function refuseWithoutCa(reader: LabelReader): void {
  const remedy = 'Name the secret with the CA in ssl_backend_ca.';
  reader.refuse(labels.ssl_backend_tls_verify, 'is required without a CA', remedy);
}

function refuseWithoutTls(reader: LabelReader): void {
  const protocol = protocolOf(reader);
  if (isTls(protocol)) return;
  const remedy = 'Set ssl_backend to true.';
  if (reader.has('ssl_backend_tls_verify')) {
    const reason = `is required, but the service is reached over ${protocol}, without TLS`;
    reader.refuse(labels.ssl_backend_tls_verify, reason, remedy);
  } else reader.refuse(labels.ssl_backend_ca, `requires TLS to the service, but the protocol is ${protocol}`, remedy);
}
