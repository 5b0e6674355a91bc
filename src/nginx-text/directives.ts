import { decodeCase, nameRelay } from '../model/dns/name-case.ts';
import {
  adminPasswordTarget,
  controllerSecretTarget,
  controlNetwork,
  extensionSecretTarget,
  proxySecretTarget,
  viewerPasswordTarget,
} from '../model/names.ts';
import { MIRROR_SOCKET, PASSTHROUGH_SOCKET, STATUS_SERVER, TLS_SOCKET } from '../model/proxy-places.ts';
import { mountedSecretsFolder, secretsFolder } from '../model/secrets/secret-files.ts';

/** Whether these arguments of a directive are allowed. */
export type Rule = (args: readonly string[]) => boolean;

const OWN_SECRETS: readonly string[] = [
  adminPasswordTarget,
  controllerSecretTarget,
  extensionSecretTarget,
  proxySecretTarget,
  viewerPasswordTarget,
];
/** A digest and the address of the first task. */
const UPSTREAM = '[0-9a-f]{16}-[A-Za-z0-9._-]+';
/** Encoded, without dot segments. Only the rest of the request's path, which nginx has checked, may follow. */
const BACKEND_PATH = "(?:/(?!\\.{1,2}(?:/|\\$))[\\w.!~*'()&+,;=:@%-]+)+";
const SECRET = '[A-Za-z0-9][A-Za-z0-9_.-]*';
const SEGMENT = String.raw`(?!\.{1,2}(?:[/?]|$))[A-Za-z0-9._~-]+`;
/** Path and query for an authenticator, without dot segments. */
const ASKED = String.raw`/(?:${SEGMENT}(?:/${SEGMENT})*/?)?(?:\?[A-Za-z0-9._~=&/-]*)?`;
/** Between a server that reads the name in the handshake, and one that checks addresses. */
const STREAM_SOCKET = String.raw`unix:/tmp/stream-[0-9a-f]{16}\.sock`;
const OWN_PAGE = `${STATUS_SERVER.replaceAll('.', String.raw`\.`)}/50[24]`;

/** Allows any arguments: the directive names no file, address or module. */
const any: Rule = () => true;
const none: Rule = (args) => args.length === 0;
const exactly =
  (...values: readonly string[]): Rule =>
  (args) =>
    values.includes(args.join(' '));
const matching = (pattern: string): Rule => {
  const whole = new RegExp(`^(?:${pattern})$`);
  return (args) => whole.test(args.join(' '));
};
const first =
  (...values: readonly string[]): Rule =>
  ([value]) =>
    values.includes(value ?? '');

/** nginx reads arguments that begin with `~` as expressions and defines their named groups as variables. */
const NO_GROUPS: Rule = (args) => args.every((arg) => protectedGroups(arg).length === 0);
/** The variable is empty: see `material.hbs`. */
const SECRET_PATH = new RegExp(
  `^(?:${mountedSecretsFolder}|${secretsFolder}|\\$secrets)/(${SECRET})(?:\\$arg_crl_[0-9a-f]{16})?$`,
);
const isSecret: Rule = ([path = '']) => {
  const name = SECRET_PATH.exec(path)?.[1];
  return name !== undefined && !OWN_SECRETS.includes(name);
};
/** An expression for the whole path, without groups that define variables. */
const PATH_EXPRESSION = /^\(\?s\)\^(?:(?!\(\?(?!:))[\x21-\x7e])+\\z$/;
const isLocation: Rule = (args) => {
  if (args[0] === '~') return args.length === 2 && PATH_EXPRESSION.test(args[1]!);
  const [path = '', ...others] = args[0] === '=' ? args.slice(1) : args;
  return others.length === 0 && /^[/@]/.test(path);
};
/** Error codes, the resulting status, and one of our locations: nginx does not normalize the path of a redirect, so it could escape its folder. */
const isErrorPage: Rule = (args) =>
  args.slice(0, -1).every((arg) => /^\d{3}$|^=\d*$/.test(arg)) &&
  /^(?:\/\.signalbox-error\??|\/\.signalbox-page-[0-9a-f]{16}|@\w+(?:\$again_noted)?|\$match_[0-9a-f]{16}(?:_kept|_share)?|\$(?:root_)?detour|\$\{(?:root_)?detour\}\d*)$/.test(
    args.at(-1) ?? '',
  );
/** Paths without variables, or an expression without groups. */
const isCookiePath: Rule = ([from = '', to = '', ...others]) =>
  others.length === 0 && /^(?:\/[^$]*|~\^\/[^$()]*\$)$/.test(from) && /^\/[^$]*$/.test(to);
/** Excludes `-f` and similar operators, which reveal whether a file exists. */
const isCondition: Rule = (args) => (args[0] ?? '').startsWith('($') && NO_GROUPS(args);
const isPeer: Rule = ([address = '']) => {
  const [, name, ip] = /^(?:([^:[\]/]+)|(\[[0-9a-fA-F:.]+\])):\d{1,5}$/.exec(address) ?? [];
  if (ip !== undefined) return !/^\[(?:::|::1|::ffff:.*)\]$/i.test(ip);
  if (name === undefined || /^(?:localhost|(?:0|127)(?:\.\d+){3})$/i.test(name)) return false;
  // nginx queries in lower case; the relay restores the encoded case.
  const asked = decodeCase(name.toLowerCase()) ?? name.toLowerCase();
  // The extensions and controllers are on the control network.
  return asked.includes('.') && !asked.endsWith(`.${controlNetwork}`);
};

const MODULES = '/etc/nginx/modules-enabled/*.conf';
const LOGS = ['metrics', 'errors', 'connections', 'connection-log'].map((name) => `/tmp/signalbox/${name}.conf*`);
const MATERIAL = new RegExp(`^/tmp/material/(?:${SECRET}/(?:client|crl|backend)|\\.public/backend)\\.conf\\*$`);

/** Files outside the configuration: part of the image, or written by the proxy itself. */
export function isOwnInclude(path: string): boolean {
  return path === MODULES || LOGS.includes(path) || MATERIAL.test(path);
}

/** Directives that open a block. */
export const blocks: Readonly<Record<string, Rule>> = {
  events: none,
  http: none,
  stream: none,
  server: none,
  upstream: matching(UPSTREAM),
  location: isLocation,
  if: isCondition,
  map: ([source = '', variable = '', ...others]) => others.length === 0 && source !== '' && /^\$\w+$/.test(variable),
  split_clients: ([source = '', variable = '', ...others]) =>
    others.length === 0 &&
    /^(?:(?:mirror)?\$request_id|\$client_address|\$remote_addr)$/.test(source) &&
    /^\$(?:match_\w+|mirrored_\d+)$/.test(variable),
  geo: (args) => args.length <= 2 && args.every((arg) => /^\$\w+$/.test(arg)),
};

/** All other directives that our templates use. `include` and `set` are checked in context. */
export const directives: Readonly<Record<string, Rule>> = {
  access_log: first('off', '/dev/stdout', '/dev/stderr'),
  add_header: any,
  add_header_inherit: any,
  // The value `off` would disable the check.
  allow: matching('[0-9a-fA-F.:/]{2,50}'),
  auth_basic: ([realm = '', ...others]) => others.length === 0 && realm.toLowerCase() !== 'off',
  auth_basic_user_file: isSecret,
  auth_request: matching(String.raw`/\.signalbox-auth-[0-9a-f]{16}`),
  auth_request_set: matching(String.raw`\$auth_\w+ \$upstream_http_\w+`),
  break: none,
  client_body_buffer_size: any,
  client_body_temp_path: exactly('/tmp/client-body'),
  client_body_timeout: any,
  client_header_buffer_size: any,
  client_max_body_size: any,
  default_type: any,
  deny: matching('all|[0-9a-fA-F.:/]{2,50}'),
  error_log: first('/dev/stdout', '/dev/stderr'),
  error_page: isErrorPage,
  fastcgi_temp_path: exactly('/tmp/fastcgi'),
  grpc_buffer_size: any,
  grpc_connect_timeout: any,
  grpc_hide_header: any,
  grpc_ignore_headers: any,
  grpc_next_upstream: any,
  grpc_next_upstream_timeout: any,
  grpc_next_upstream_tries: any,
  grpc_pass: matching(`grpcs?://${UPSTREAM}`),
  grpc_read_timeout: any,
  grpc_send_timeout: any,
  grpc_set_header: any,
  grpc_ssl_name: any,
  grpc_ssl_server_name: any,
  gzip: exactly('on', 'off'),
  gzip_comp_level: matching('[1-9]'),
  gzip_min_length: matching(String.raw`\d+`),
  gzip_proxied: exactly('any'),
  gzip_types: matching('[a-z0-9.+/ -]+'),
  gzip_vary: exactly('on'),
  hash: matching('\\$\\w+(?: consistent)?'),
  http2: any,
  internal: none,
  ip_hash: none,
  keepalive: any,
  keepalive_min_timeout: any,
  keepalive_requests: any,
  keepalive_timeout: any,
  large_client_header_buffers: any,
  least_conn: none,
  limit_conn: matching('(?:stream_)?connections_[0-9a-f]{16} \\d{1,5}'),
  limit_conn_log_level: exactly('info'),
  limit_conn_status: exactly('429'),
  limit_conn_zone: matching(
    '\\$limit_address zone=connections_[0-9a-f]{16}:1024k|\\$binary_remote_addr zone=stream_connections_[0-9a-f]{16}:1024k',
  ),
  limit_req: matching('zone=rate_[0-9a-f]{16}(?: burst=\\d{1,6} nodelay)?'),
  limit_req_dry_run: exactly('on'),
  limit_req_log_level: exactly('info', 'warn'),
  limit_req_status: exactly('429'),
  limit_req_zone: matching('\\$limit_\\w+ zone=rate_[0-9a-f]{16}:1024k rate=\\d{1,6}r/[sm]'),
  listen: ([address = '']) =>
    /^(?:\[::\]:)?\d{1,5}$/.test(address) ||
    [STATUS_SERVER, TLS_SOCKET, PASSTHROUGH_SOCKET, MIRROR_SOCKET].includes(address) ||
    new RegExp(`^${STREAM_SOCKET}$`).test(address),
  log_format: any,
  map_hash_bucket_size: any,
  map_hash_max_size: any,
  mirror: matching(String.raw`/\.(?:signalbox-mirror|to)-[0-9a-f]{16}`),
  pcre_jit: any,
  pid: exactly('/tmp/nginx.pid'),
  proxy_buffer_size: any,
  proxy_buffering: exactly('on', 'off'),
  proxy_buffers: any,
  proxy_busy_buffers_size: any,
  proxy_connect_timeout: any,
  proxy_cookie_path: isCookiePath,
  proxy_headers_hash_bucket_size: any,
  proxy_headers_hash_max_size: any,
  proxy_hide_header: any,
  proxy_http_version: any,
  proxy_ignore_headers: any,
  proxy_max_temp_file_size: any,
  proxy_next_upstream: any,
  proxy_next_upstream_timeout: any,
  proxy_next_upstream_tries: any,
  proxy_intercept_errors: exactly('on'),
  proxy_pass: matching(
    `(?:https?|\\$again_scheme)://(?:${UPSTREAM}|\\$again|\\$fallback_[0-9a-f]{16})(?:(?:${BACKEND_PATH})?\\$rest\\d+)?|https?://${UPSTREAM}${ASKED}|http://${MIRROR_SOCKET}:/[0-9a-f]{16}\\$request_uri|http://${UPSTREAM}(?:\\$mirrored_uri|/\\$status[.]html)|\\$tls_target|\\$passthrough_target|${UPSTREAM}|${STREAM_SOCKET}`,
  ),
  proxy_pass_request_body: exactly('off'),
  proxy_protocol: any,
  proxy_read_timeout: any,
  proxy_request_buffering: any,
  proxy_responses: any,
  proxy_send_timeout: any,
  proxy_set_header: any,
  proxy_ssl_name: any,
  proxy_ssl_server_name: any,
  proxy_temp_path: exactly('/tmp/proxy'),
  proxy_timeout: any,
  random: exactly('two least_conn'),
  real_ip_header: any,
  recursive_error_pages: any,
  request_pool_size: any,
  resolver: exactly('127.0.0.11 valid=1s ipv6=off', `${nameRelay.host}:${nameRelay.port} valid=1s ipv6=off`),
  resolver_timeout: any,
  return: any,
  scgi_temp_path: exactly('/tmp/scgi'),
  send_timeout: any,
  sendfile: any,
  server: isPeer,
  server_name: NO_GROUPS,
  server_names_hash_bucket_size: any,
  server_names_hash_max_size: any,
  server_tokens: any,
  set_real_ip_from: any,
  ssl_alpn: any,
  ssl_certificate: isSecret,
  ssl_certificate_cache: any,
  ssl_certificate_key: isSecret,
  ssl_ciphers: any,
  ssl_prefer_server_ciphers: any,
  ssl_preread: any,
  ssl_protocols: any,
  ssl_reject_handshake: any,
  ssl_session_cache: any,
  ssl_session_timeout: any,
  ssl_stapling: any,
  ssl_stapling_responder: matching(`http://127\\.0\\.0\\.1:10247/${SECRET}`),
  sticky: any,
  stub_status: none,
  tcp_nodelay: any,
  try_files: matching(String.raw`/\.signalbox @pages_[0-9a-f]{16}\$(?:root_)?detour`),
  underscores_in_headers: any,
  uwsgi_temp_path: exactly('/tmp/uwsgi'),
  variables_hash_bucket_size: any,
  variables_hash_max_size: any,
  worker_connections: any,
  worker_processes: any,
  worker_rlimit_nofile: any,
  worker_shutdown_timeout: any,
  zone: any,
};

/** Variables that lead to a file, an address or a path that nginx does not normalize, and their allowed values. */
const PROTECTED: readonly (readonly [name: RegExp, value: RegExp])[] = [
  [/^secrets$/, new RegExp(`^(?:${mountedSecretsFolder}|${secretsFolder})$`)],
  [/^again$/, new RegExp(`^(?:${UPSTREAM}|\\$proxy_host|${OWN_PAGE})$`)],
  [/^fallback_\w+$/, new RegExp(`^(?:${UPSTREAM}|${OWN_PAGE})$`)],
  [/^again_noted$/, /^$/],
  [/^again_scheme$/, /^https?$/],
  [/^tls_target$/, new RegExp(`^(?:${UPSTREAM}|${TLS_SOCKET}|${PASSTHROUGH_SOCKET})$`)],
  [/^passthrough_target$/, new RegExp(`^(?:${UPSTREAM}|${TLS_SOCKET})$`)],
  [/^(?:root_|checked_)?detour$/, /^(?:|\/\.signalbox-error\?|\$streams|\$checked_detour)$/],
  [/^streams(?:_\w+)?$/, /^(?:|@again|\$streams_\w+)$/],
  [/^mirrored_uri$/, /^(?:|\/\$mirrored_path)$/],
  [/^match_\w+$/, /^(?:@\w+|\$match_[0-9a-f]{16}(?:_\w+)?)$/],
  [/^(?:resolved_)?rest\d+$/, /^(?:|\/\$(?:rest|resolved)\d+_(?:path|query)|\$resolved_rest\d+)$/],
];

export function isProtected(variable: string): boolean {
  return PROTECTED.some(([name]) => name.test(variable.replace(/^\$/, '')));
}

/** Whether a variable may have a value. */
export function mayBe(variable: string, value: string): boolean {
  const name = variable.replace(/^\$/, '');
  return PROTECTED.every(([protectedName, allowed]) => !protectedName.test(name) || allowed.test(value));
}

/** Protected variables that a named group of a regular expression would set. */
export function protectedGroups(text: string): string[] {
  if (!text.includes('(?')) return [];
  const names = [...text.matchAll(/\(\?P?[<'](\w+)[>']/g)].map(([, name]) => name!);
  return names.filter(isProtected);
}
