import { featureSecrets, renameFeatureSecrets } from '../features/features.ts';
import type { Route, SecretRef, Tls } from '../route.ts';

/** Names of the files in the proxies, by name of the secret. */
export type SecretFileNames = ReadonlyMap<string, SecretRef>;

/**
 * Routes with the names of files instead of those of secrets. A secret that no job has read yet has no file: nginx then
 * fails only the handshakes of its own hosts. A route stays the same object while its own files do.
 */
export function renameSecrets(routes: readonly Route[], names: SecretFileNames): readonly Route[] {
  return routes.map((route) => renamed(route, names));
}

const known = new WeakMap<Route, { readonly files: string; readonly route: Route }>();

function renamed(route: Route, names: SecretFileNames): Route {
  const used = secretsIn(route);
  if (used.length === 0) return route;
  const files = used.map((name) => names.get(name) ?? name).join();
  const before = known.get(route);
  if (before?.files === files) return before.route;
  const rename = (name: SecretRef) => names.get(name) ?? name;
  const made = {
    ...route,
    tls: renamedTls(route.tls, rename),
    options: { ...route.options, ...renameFeatureSecrets(route.options, rename) },
  };
  known.set(route, { files, route: made });
  return made;
}

/** The secrets that a route names. */
export function secretsIn({ tls, options }: Pick<Route, 'tls' | 'options'>): readonly SecretRef[] {
  const ofTls = tls.kind === 'terminated' ? [tls.certificate, tls.key, tls.clientCa, tls.clientCrl ?? ''] : [];
  return [...ofTls, ...featureSecrets(options)].filter((name) => name !== '');
}

function renamedTls(tls: Tls, rename: (name: SecretRef) => SecretRef): Tls {
  if (tls.kind !== 'terminated') return tls;
  const { certificate, key, clientCa, clientCrl } = tls;
  const crl = clientCrl === undefined ? {} : { clientCrl: rename(clientCrl) };
  return { ...tls, certificate: rename(certificate), key: rename(key), clientCa: rename(clientCa), ...crl };
}
