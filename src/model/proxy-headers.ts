/** Headers of a single connection, not forwarded in either direction. nginx drops `Connection` and `Keep-Alive` itself. */
export const hopByHopHeaders = ['Upgrade', 'Proxy-Connection', 'TE', 'HTTP2-Settings'];

/** Headers that belong to the client's own request: another one in its name has no body and no conditions. */
export const withoutBody = [
  ...['Connection', 'Content-Length', 'Upgrade', 'If-Match', 'If-None-Match', 'If-Modified-Since'],
  ...['If-Unmodified-Since', 'If-Range', 'Range'],
];

/** Headers that pass the client's identity to an application. */
export const identityHeaders = [
  'X-SSL-Client-Verify',
  'X-SSL-Client-Subject',
  'X-SSL-Client-Fingerprint',
  'X-SSL-Client-Cert',
];

/** Headers in which balancers describe clients. Removed unless the proxies set them: a client could send any value. */
export const forwardingHeaders = [
  ...[
    'Access-Token',
    'By',
    'Client-Cert',
    'Client-Ip',
    'Email',
    'For-Original',
    'Groups',
    'Method',
    'Path',
    'PathBase',
  ],
  ...['Preferred-Username', 'Protocol', 'Query', 'Remote-Port', 'Root', 'Scheme', 'Server', 'Ssl', 'Tls-Client-Cert'],
  ...['Tls-Client-Cert-Info', 'Uri', 'Url', 'User'],
]
  .map((name) => `X-Forwarded-${name}`)
  .concat(['Forwarded', 'Front-End-Https', 'X-Original-URL', 'X-Rewrite-URL', 'X-Original-Host', 'X-Host', 'Proxy'])
  .concat(['X-Client-IP', 'True-Client-IP', 'CF-Connecting-IP', 'X-Cluster-Client-IP', 'X-Url-Scheme']);

/** The ones that the proxies set. */
export const setHeaders = ['For', 'Host', 'Port', 'Prefix', 'Proto']
  .map((name) => `X-Forwarded-${name}`)
  .concat('X-Real-IP');

/** Other spellings of a header that many applications treat as the same. */
export function withUnderscores(header: string): string[] {
  const [first = '', ...rest] = header.split('-');
  const spellings = rest.reduce(
    (texts, word) => texts.flatMap((text) => [`${text}-${word}`, `${text}_${word}`]),
    [first],
  );
  return spellings.filter((text) => text !== header);
}

/** Beyond this number of dashes, a header would have too many spellings. */
export const MOST_DASHES = 4;

const OF_CONNECTION =
  /^(?:host|connection|keep-alive|expect|content-length|transfer-encoding|trailer|upgrade|te|http2-settings|proxy-.*|sec-websocket-.*|grpc-.*)$/i;
const OF_PROXY = new Set([...identityHeaders, ...forwardingHeaders, ...setHeaders, 'X-Request-ID'].map(lower));

/** Whether only the proxies decide about this request header. */
export function isProxyHeader(name: string): boolean {
  return OF_CONNECTION.test(name) || OF_PROXY.has(lower(name)) || /^x-(?:forwarded|ssl-client)-/i.test(name);
}

function lower(name: string): string {
  return name.toLowerCase();
}
