import type { Problem } from '../../model/problem.ts';
import { problemKind } from '../../model/problem-kind.ts';

export const textNotAllowed = problemKind({
  id: 'configuration-not-allowed',
  severity: 'error',
  meaning: `The extension returned text that neither the templates nor the administrator write. It is not published.`,
  reason: (fault: string) => `The extension returned a configuration that is not allowed: ${fault}`,
  remedy:
    'The proxies keep serving the last good configuration. Put custom directives in the settings or in the config that Template names. Otherwise check the extension image: it may be compromised.',
  example: ['line 12: directive lua_package_path'],
});

export const configurationRejected = problemKind({
  id: 'configuration-rejected',
  severity: 'error',
  meaning: `nginx rejects the configuration even without any service, because of raw options in the settings or a custom template.`,
  reason: (message: string) => `The configuration is rejected: ${message}`,
  remedy: 'Correct the raw options or the template. The proxies keep serving the last good configuration.',
  example: ['unknown directive "gzipp"'],
  at: 'Extensions.default.Config',
});

/** The extension returned text that neither our templates nor the administrator's write. */
export function textRejected(cluster: string, fault: string): Problem {
  return {
    ...textNotAllowed(fault),
    cluster,
  };
}

/** nginx rejects the configuration even without any service: the settings or the template are invalid. */
export function settingsRejected(cluster: string, message: string): Problem {
  return {
    ...configurationRejected(message),
    cluster,
    label: `Extensions.${cluster}.Config`,
  };
}
