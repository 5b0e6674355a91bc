import { accessLog } from './access-log.ts';
import { addressLists } from './address-lists.ts';
import { affinity } from './affinity.ts';
import { backendCa } from './backend-ca.ts';
import { backendName } from './backend-name.ts';
import { backendPath } from './backend-path.ts';
import { backendProtocol } from './backend-protocol.ts';
import { balance } from './balance.ts';
import { basicAuth } from './basic-auth.ts';
import { bufferingMode } from './buffering.ts';
import { clientCertificate } from './client-certificate.ts';
import { compression } from './compression.ts';
import { connectTimeout } from './connect-timeout.ts';
import { connectionLimit } from './connection-limit.ts';
import { contextRootRewrite } from './context-root-rewrite.ts';
import { cookiePath } from './cookie-path.ts';
import { cors } from './cors.ts';
import { errorPages } from './error-pages.ts';
import { fallback } from './fallback.ts';
import { forwardAuth } from './forward-auth.ts';
import { maxBodySize } from './max-body-size.ts';
import { maxConnections } from './max-connections.ts';
import { mirror } from './mirror.ts';
import { rateLimit } from './rate-limit.ts';
import { readTimeout } from './read-timeout.ts';
import { requestHeaders } from './request-headers.ts';
import { responseHeaderSize } from './response-header-size.ts';
import { responseHeaders } from './response-headers.ts';
import { retries } from './retries.ts';
import { securityHeaders } from './security-headers.ts';
import { sslOnly } from './ssl-only.ts';
import { stickyCookie } from './sticky-cookie.ts';
import { upstreamHost } from './upstream-host.ts';

/** All features, by the option of a location that holds their value, in the order of their text in the configuration. */
export const features = {
  rewrite: contextRootRewrite,
  sslOnly,
  protocol: backendProtocol,
  backendCa,
  backendName,
  clientCertificate,
  affinity,
  balance,
  stickyCookie,
  maxConnections,
  fallback,
  mirror,
  errorPages,
  accessLog,
  retries,
  addressLists,
  rateLimit,
  connectionLimit,
  basicAuth,
  cors,
  backendPath,
  readTimeout,
  connectTimeout,
  maxBodySize,
  buffering: bufferingMode,
  compress: compression,
  cookiePath,
  upstreamHost,
  requestHeaders,
  // After the other request headers: only the authenticator decides about its own.
  forwardAuth,
  responseHeaderKb: responseHeaderSize,
  securityHeaders,
  // The last one decides about a header.
  responseHeaders,
};
