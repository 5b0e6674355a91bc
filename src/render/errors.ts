/** The proxies' own error pages, by status. */
const PAGES: Readonly<Record<number, readonly [title: string, text: string]>> = {
  301: ['Moved Permanently', 'This page has moved.'],
  302: ['Found', 'This page is somewhere else at the moment.'],
  303: ['See Other', 'This page is somewhere else.'],
  307: ['Temporary Redirect', 'This page is somewhere else at the moment.'],
  308: ['Permanent Redirect', 'This page has moved.'],
  400: ['Bad Request', 'The request is malformed or too large.'],
  401: ['Unauthorized', 'Please sign in.'],
  403: ['Forbidden', 'The request is not allowed.'],
  404: ['Not Found', 'Nothing is published under this path.'],
  405: ['Method Not Allowed', 'The method of the request is not allowed.'],
  408: ['Request Timeout', 'The request took too long to arrive.'],
  411: ['Length Required', 'The request does not state its length.'],
  413: ['Content Too Large', 'The request is larger than allowed.'],
  414: ['URI Too Long', 'The address of the request is longer than allowed.'],
  421: ['Misdirected Request', 'This connection was opened for another host. Please try again.'],
  429: ['Too Many Requests', 'You have sent too many requests. Please try again soon.'],
  500: ['Internal Server Error', 'The request could not be served.'],
  501: ['Not Implemented', 'The request uses a feature that is not supported.'],
  502: ['Bad Gateway', 'The application gave no valid answer. Please try again soon.'],
  503: ['Service Unavailable', 'No service answers here at the moment. Please try again soon.'],
  504: ['Gateway Timeout', 'The application did not answer in time. Please try again soon.'],
  505: ['HTTP Version Not Supported', 'The HTTP version of the request is not supported.'],
};

export const errorPages = Object.entries(PAGES).map(([status, [title, text]]) => ({ status, title, text }));

/** The codes for `error_page`. 494 to 497 are nginx's own codes for kinds of 400: headers too large, client certificates, HTTP sent to a TLS port. */
export const errorCodes = [...Object.keys(PAGES), '494', '495', '496', '497'].join(' ');

/** The statuses that nginx may answer with once it has chosen a location that forwards requests. */
export const locationErrorCodes = '301 302 303 307 308 400 401 403 413 429 500 502 503 504';

/** HTTP statuses mapped to gRPC statuses, as specified in "HTTP to gRPC Status Code Mapping". */
export const grpcErrors = [
  { code: 16, message: 'Not signed in', statuses: '401' },
  { code: 7, message: 'Permission denied', statuses: '403' },
  { code: 12, message: 'Not found', statuses: '404' },
  { code: 13, message: 'Bad request', statuses: '400' },
  { code: 14, message: 'Service unavailable', statuses: '429 502 503 504' },
  { code: 2, message: 'The request was rejected', statuses: '405 408 411 413 414 421 500 501 505' },
];
