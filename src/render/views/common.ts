import type { RenderInput } from '../../model/render-input.ts';
import type { RouteTable } from '../../model/route-table/table.ts';
import { mountedSecretsFolder, secretsFolder } from '../../model/secrets/secret-files.ts';
import { setsDirective } from '../limits.ts';
import { repeatedHeaders } from '../request-headers.ts';
import { listeners } from './listeners.ts';
import { namesService } from './logs.ts';
import { fallbackSite } from './sites.ts';
import { locationsOf } from './table.ts';

/** Values that the blocks of all hosts and upstreams depend on. Plain data: views are cached while its JSON stays the same. */
export function commonOf(input: RenderInput, table: RouteTable) {
  const { httpListener, httpListener6, tlsListener, tlsListener6 } = listeners(input, table);
  const { ClientMaxBodySize, IPHash, ReadTimeout } = input.nginx;
  return {
    httpListener,
    httpListener6,
    tlsListener,
    tlsListener6,
    httpsPort: httpsPortOf(input),
    defaultCertificate: input.defaultCertificate,
    hashesAddresses: IPHash,
    readTimeout: ReadTimeout,
    maxBodySize: ClientMaxBodySize,
    handlesErrors: handlesErrors(input),
    isTrusting: input.trustedProxies.length > 0,
    namesService: namesService(input),
    fallbackSite: fallbackSite(input, table),
    requestHeaders: repeatedHeaders(input, table, locationsOf(table)),
    defaultNames: input.defaultCertificateNames,
    folder: secretsFolderOf(input),
  };
}

export type Common = ReturnType<typeof commonOf>;

/** The port for redirects to HTTPS. */
function httpsPortOf({ publishedSslPort }: RenderInput): string {
  return publishedSslPort === 443 ? '' : `:${publishedSslPort}`;
}

/** An `error_page` of an administrator, or intercepted errors of applications, would conflict with our own `error_page`. */
export function handlesErrors({ nginx }: RenderInput): boolean {
  const others = ['error_page', 'proxy_intercept_errors', 'recursive_error_pages', 'proxy_request_buffering'];
  return !others.some((name) => setsDirective(nginx.HTTPOptions, name));
}

/** Where the proxies have the secrets. */
export function secretsFolderOf({ secretFiles }: RenderInput): string {
  return secretFiles === undefined ? mountedSecretsFolder : secretsFolder;
}
