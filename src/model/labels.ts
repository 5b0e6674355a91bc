import { z } from 'zod';
import { featureLabels, labelFamilies } from './features/features.ts';
import { beginningOf, boolean, type LabelDefinition, type LabelFamily, label } from './label.ts';
import { routeLabels } from './route-labels/route-labels.ts';
import { secretName } from './route-labels/secrets.ts';

export type BackendProtocol = 'http' | 'https' | 'h2c' | 'grpc' | 'grpcs';

/** Whether clients must present a certificate. */
export type ClientCertificate = 'none' | 'optional' | 'required';

export const labels = {
  ...routeLabels,
  context_root_rewrite: label({
    name: 'context_root_rewrite',
    policy: 'optional',
    type: 'boolean',
    default: 'false',
    example: 'true',
    description: 'Strips the context root from the path before the request is forwarded.',
    schema: boolean,
  }),
  sticky_session_cookie: label({
    name: 'sticky_session_cookie',
    policy: 'optional',
    type: 'name of a cookie',
    default: '',
    example: 'app_session',
    description:
      "The proxy sets the cookie `<name>_route`, which returns a client to the same task. Clients that keep only the application's cookie `<name>` are hashed by its value: each proxy sends equal values to the same task.",
    schema: z
      .string()
      .trim()
      .transform((value) => (value === 'none' ? '' : value))
      .refine((value) => /^[A-Za-z0-9_.-]{0,64}$/.test(value), 'is not the name of a cookie'),
  }),
  ip_hash: label({
    name: 'ip_hash',
    policy: 'optional',
    type: 'boolean',
    default: 'false',
    example: 'true',
    description:
      'Sends requests from the same client address to the same task. Requires `PublishMode = "host"`, `ProxyProtocolFrom` or `TrustedProxies`, because the routing mesh hides client addresses.',
    schema: boolean,
  }),
  ssl_only: label({
    name: 'ssl_only',
    policy: 'protective',
    type: 'boolean',
    default: 'false',
    example: 'true',
    description:
      'Redirects HTTP requests to HTTPS: 301 for GET and HEAD, 308 for other methods. The path and query are kept.',
    schema: boolean,
  }),
  ssl_backend: label({
    name: 'ssl_backend',
    policy: 'protective',
    type: 'boolean',
    default: 'false',
    example: 'true',
    description: 'Uses TLS to connect to the service. Same as `backend_protocol` set to `https`.',
    schema: boolean,
  }),
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
  ssl_backend_name: label({
    name: 'ssl_backend_name',
    policy: 'required',
    type: 'host name',
    default: "the request's host",
    example: 'app.internal',
    description:
      "Host name that the proxies send to the service over TLS (SNI). The service's certificate must be valid for it.",
    schema: z
      .string()
      .trim()
      .toLowerCase()
      .regex(/^[a-z0-9]([a-z0-9_.-]{0,251}[a-z0-9])?$/, 'is not the name of a host'),
  }),
  ssl_client_ca: label({
    name: 'ssl_client_ca',
    policy: 'protective',
    type: 'name of a secret',
    default: '',
    example: 'clients-ca',
    description:
      "Docker secret with the certificate authority (CA) that must have signed the clients' certificates, in PEM format. In a stack, the stack prefix is optional. Requires `ssl_cert`. The client's identity is passed in `X-SSL-Client-*` headers. If the CA is missing or invalid, the hosts answer 503.",
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
  backend_protocol: label<BackendProtocol>({
    name: 'backend_protocol',
    policy: 'required',
    type: '`http`, `https`, `h2c`, `grpc` or `grpcs`',
    default: 'http',
    example: 'grpc',
    description:
      'Protocol of the service: HTTP/1.1 (`http`, or `https` with TLS), HTTP/2 without TLS (`h2c`), or gRPC (`grpc`, or `grpcs` with TLS).',
    schema: z
      .string()
      .trim()
      .toLowerCase()
      .pipe(z.enum(['http', 'https', 'h2c', 'grpc', 'grpcs'], 'is none of http, https, h2c, grpc, grpcs')),
  }),
  ...featureLabels,
} as const;

export type LabelName = keyof typeof labels | LabelFamily['name'];

/** The definition of a label, or of the family that it belongs to. */
export function definitionOf(name: string): LabelDefinition | LabelFamily | undefined {
  if (Object.hasOwn(labels, name)) return labels[name as keyof typeof labels] as LabelDefinition;
  return labelFamilies.find((family) => name.startsWith(beginningOf(family)));
}

/** UCP 3.0's documentation had `defaul_backend`, so services use it. */
export const labelAliases: Readonly<Record<string, LabelName>> = { defaul_backend: 'default_backend' };
