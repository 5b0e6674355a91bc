import type { Problem } from '../../model/problem.ts';

/** The extension returned text that neither our templates nor the administrator's write. */
export function textRejected(cluster: string, fault: string): Problem {
  return {
    severity: 'error',
    cluster,
    reason: `The extension returned a configuration that is not allowed: ${fault}`,
    remedy:
      'The proxies keep serving the last good configuration. Put custom directives in the settings or in the config that Template names. Otherwise check the extension image: it may be compromised.',
  };
}

/** nginx rejects the configuration even without any service: the settings or the template are invalid. */
export function settingsRejected(cluster: string, message: string): Problem {
  return {
    severity: 'error',
    cluster,
    label: `Extensions.${cluster}.Config`,
    reason: `The configuration is rejected: ${message}`,
    remedy: 'Correct the raw options or the template. The proxies keep serving the last good configuration.',
  };
}
