import type { VirtualServer } from '../../model/route-table/table.ts';
import type { RepeatedHeaders } from '../request-headers.ts';
import type { Common } from './common.ts';

/** Values that the views of all locations depend on. */
export interface LocationContext
  extends Pick<Common, 'handlesErrors' | 'isTrusting' | 'maxBodySize' | 'namesService' | 'readTimeout'> {
  /** For locations over HTTP; over TLS there is no redirect to HTTPS. */
  readonly httpsPort: string | undefined;
  /** Headers of responses that are hidden in the locations of a server. */
  readonly hidden: readonly string[];
  /** Request headers for locations that add some. */
  readonly repeated: RepeatedHeaders;
}

/** A server with HSTS of its own hides that of the service. Over plain HTTP, it has it behind a trusted balancer only. */
export function hiding(context: LocationContext, { tls }: VirtualServer, hasHsts = true): LocationContext {
  if (!hasHsts || !('hsts' in tls) || !tls.hsts) return context;
  return { ...context, hidden: [...context.hidden, 'Strict-Transport-Security'] };
}
