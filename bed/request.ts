import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http';
import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';

export interface RequestOptions {
  /** Host name that the service answers to. Also the server name in TLS. */
  readonly host: string;
  readonly path?: string;
  readonly method?: string;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: string;
  readonly timeoutMs?: number;
  /** Client certificate and key, in PEM, for TLS. */
  readonly client?: { readonly cert: string; readonly key: string };
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface Target {
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
}

/** One request on its own connection. Certificates are not verified. */
export function request(target: Target, options: RequestOptions): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const common = {
    host: target.host,
    port: target.port,
    agent: false as const,
    method: options.method ?? 'GET',
    path: options.path ?? '/',
    headers: { ...options.headers, host: options.host },
    signal: AbortSignal.timeout(options.timeoutMs ?? 10_000),
  };
  const outgoing = target.tls
    ? requestHttps({
        ...common,
        ...options.client,
        servername: options.host.replace(/:\d+$/, ''),
        rejectUnauthorized: false,
      })
    : requestHttp(common);
  outgoing.on('error', reject);
  outgoing.on('response', (response) => {
    let body = '';
    response.setEncoding('utf8');
    response.on('data', (chunk: string) => {
      body += chunk;
    });
    response.on('error', reject);
    response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
  });
  outgoing.end(options.body);
  return promise;
}
