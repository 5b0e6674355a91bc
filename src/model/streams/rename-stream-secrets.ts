import type { SecretFileNames } from '../secrets/rename-secrets.ts';
import type { StreamRoute } from './stream-route.ts';

/** Routes with the names of files instead of those of secrets, see `renameSecrets`. */
export function renameStreamSecrets(streams: readonly StreamRoute[], names: SecretFileNames): readonly StreamRoute[] {
  return streams.map((route) => {
    const { tls } = route;
    if (tls.kind !== 'terminated' || tls.certificate === '') return route;
    return { ...route, tls: { ...tls, certificate: names.get(tls.certificate) ?? tls.certificate } };
  });
}
