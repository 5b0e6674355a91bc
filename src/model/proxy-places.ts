/** Addresses and files inside a proxy that templates, agent, health check and the check of texts have in common. */

/** The main file of a configuration, and its template. */
export const MAIN_FILE = 'nginx.conf';
/** Version, status and error pages of nginx itself, reachable only from the task: see templates/status.hbs. */
export const STATUS_SERVER = '127.0.0.1:10246';
/** Where TLS ends in nginx: behind the stream block if some connections are passed through. */
export const TLS_SOCKET = 'unix:/tmp/tls.sock';
/** Where the PROXY protocol header is removed, for services that do not read it. */
export const PASSTHROUGH_SOCKET = 'unix:/tmp/passthrough.sock';
/** Where copies of requests are sent from: see templates/mirrors.hbs. */
export const MIRROR_SOCKET = 'unix:/tmp/mirror.sock';
