import type { ReadSecret } from '../features/feature.ts';
import { type FeatureOptions, readFeatures } from '../features/features.ts';
import type { LabelReader } from '../label-reader.ts';
import { type BackendProtocol, labels } from '../labels.ts';
import { judgeAuthority } from '../judge-secrets.ts';
import type { Affinity, RouteOptions, SecretRef } from '../route.ts';
import type { SwarmService } from '../snapshot.ts';
import { readClientCertificate } from './client-certificate.ts';
import type { RouteContext } from './context.ts';

export function readOptions(
  reader: LabelReader,
  service: SwarmService,
  context: RouteContext,
  path = '',
): RouteOptions {
  const rewrite = reader.read(labels.context_root_rewrite) ?? false;
  const sslOnly = reader.read(labels.ssl_only) ?? false;
  const sslBackend = reader.read(labels.ssl_backend) ?? false;
  const protocol = reader.read(labels.backend_protocol) ?? (sslBackend ? 'https' : 'http');
  if (rewrite && protocol.startsWith('grpc')) {
    reader.note(
      'warning',
      labels.context_root_rewrite,
      'is not supported for gRPC, whose methods are in the path',
      'Remove it.',
    );
  }
  const features = readFeatures(reader, {
    service,
    isGrpc: protocol.startsWith('grpc'),
    strippedPath: rewrite && !protocol.startsWith('grpc') ? path : '',
    cluster: context.cluster,
    readSecret: context.readSecret,
  });
  return {
    rewrite,
    sslOnly,
    protocol,
    backendCa: readBackendCa(reader, protocol, context.readSecret),
    backendName: reader.read(labels.ssl_backend_name) ?? backendNameOf(protocol, features),
    clientCertificate: readClientCertificate(reader),
    affinity: readAffinity(reader),
    ...features,
  };
}

/** A service that is asked for another host presents that host's certificate. */
function backendNameOf(protocol: BackendProtocol, { upstreamHost }: FeatureOptions): string {
  if (upstreamHost === undefined || (protocol !== 'https' && protocol !== 'grpcs')) return '';
  return upstreamHost.host.replace(/:\d+$/, '');
}

function readBackendCa(reader: LabelReader, protocol: BackendProtocol, readSecret: ReadSecret): SecretRef | '' {
  const isNamed = reader.has('ssl_backend_ca');
  const isRequired = reader.readOr(labels.ssl_backend_tls_verify, isNamed);
  const ca = isNamed ? readSecret(labels.ssl_backend_ca, judgeAuthority) : undefined;
  // One of them is invalid, so the route is closed.
  if (isRequired === undefined || (isNamed && ca === undefined)) return '';
  if (!isRequired) {
    if (isNamed)
      reader.note(
        'warning',
        labels.ssl_backend_ca,
        'is ignored: ssl_backend_tls_verify is none',
        'Remove one of the two labels.',
      );
    return '';
  }
  if (ca === undefined)
    reader.refuse(
      labels.ssl_backend_tls_verify,
      'is required without a CA',
      'Name the secret with the CA in ssl_backend_ca.',
    );
  if (protocol !== 'https' && protocol !== 'grpcs') {
    const remedy = 'Set ssl_backend to true.';
    if (reader.has('ssl_backend_tls_verify'))
      reader.refuse(
        labels.ssl_backend_tls_verify,
        `is required, but the service is reached over ${protocol}, without TLS`,
        remedy,
      );
    else reader.refuse(labels.ssl_backend_ca, `requires TLS to the service, but the protocol is ${protocol}`, remedy);
  }
  return ca ?? '';
}

function readAffinity(reader: LabelReader): Affinity {
  const name = reader.read(labels.sticky_session_cookie) ?? '';
  const ipHash = reader.read(labels.ip_hash) ?? false;
  if (name !== '' && ipHash) {
    reader.note(
      'warning',
      labels.ip_hash,
      'is ignored: sticky_session_cookie takes precedence',
      'Remove one of the two labels.',
    );
  }
  if (name !== '') return { kind: 'cookie', name };
  return ipHash ? { kind: 'address' } : { kind: 'none' };
}
