import { z } from 'zod';
import { boolean, label } from '../labels/label.ts';
import type { LabelReader } from '../labels/label-reader.ts';
import { featureWithDefault } from './feature.ts';

const PROTOCOLS = ['http', 'https', 'h2c', 'grpc', 'grpcs'] as const;
export type BackendProtocol = (typeof PROTOCOLS)[number];

const labels = {
  ssl_backend: label({
    name: 'ssl_backend',
    policy: 'protective',
    type: 'boolean',
    default: 'false',
    example: 'true',
    description: 'Uses TLS to connect to the service. Same as `backend_protocol` set to `https`.',
    schema: boolean,
  }),
  backend_protocol: label<BackendProtocol>({
    name: 'backend_protocol',
    policy: 'required',
    type: '`http`, `https`, `h2c`, `grpc` or `grpcs`',
    default: 'http',
    example: 'grpc',
    description:
      'Protocol of the service: HTTP/1.1 (`http`, or `https` with TLS), HTTP/2 without TLS (`h2c`), or gRPC (`grpc`, or `grpcs` with TLS).',
    schema: z.string().trim().toLowerCase().pipe(z.enum(PROTOCOLS, 'is none of http, https, h2c, grpc, grpcs')),
  }),
};

const GRPC = 'The service receives requests as gRPC.';
/** Whether TLS is used is the sentence of `ssl_backend`. */
const EXPLAINED = {
  http: undefined,
  https: undefined,
  h2c: 'The service receives requests over HTTP/2 without TLS.',
  grpc: GRPC,
  grpcs: GRPC,
} as const;

export const backendProtocol = featureWithDefault({
  labels,
  read: (reader): BackendProtocol => choose(reader.read(labels.backend_protocol), reader.read(labels.ssl_backend)),
  message: z.enum(PROTOCOLS),
  conflict: 'backend_protocol',
  deciding: () => ['backend_protocol', 'ssl_backend'],
  stage: 'service',
  explain: (protocol) => ({
    ssl_backend: isTls(protocol) ? 'The proxies connect to the service over TLS.' : undefined,
    backend_protocol: EXPLAINED[protocol],
  }),
  bytes: (protocol) => (protocol === 'http' ? 0 : 320) + (isGrpc(protocol) ? 500 : 0),
});

/** The protocol, for labels that depend on it. */
export function protocolOf(reader: LabelReader): BackendProtocol {
  return choose(reader.peek(labels.backend_protocol), reader.peek(labels.ssl_backend));
}

function choose(protocol: BackendProtocol | undefined, usesTls = false): BackendProtocol {
  return protocol ?? (usesTls ? 'https' : 'http');
}

export function isGrpc(protocol: BackendProtocol): boolean {
  return protocol === 'grpc' || protocol === 'grpcs';
}

export function isTls(protocol: BackendProtocol): boolean {
  return protocol === 'https' || protocol === 'grpcs';
}
