import type { User } from './access.ts';
import type { CertificateView } from './certificates.ts';
import type { ClosedView, State } from './state.ts';

/** The certificates of the services that a user may see. */
export function scopeCertificates(
  certificates: readonly CertificateView[],
  { services }: Pick<State, 'services'>,
  { cluster }: { readonly cluster?: string | undefined },
): readonly CertificateView[] {
  if (cluster === undefined) return certificates;
  const own = new Set(services.map(({ name }) => name));
  return certificates.filter((certificate) => certificate.services.some((name) => own.has(name)));
}

/** The part of the state that a user may see: an API token for one cluster sees only that cluster. */
export function scopeState(state: State, { cluster }: Pick<User, 'cluster'>): State {
  if (cluster === undefined) return state;
  const routes = state.routes.filter((route) => route.cluster === cluster);
  const streams = state.streams.filter((stream) => stream.cluster === cluster);
  const services = new Set([...routes.flatMap((route) => route.services), ...streams.map(({ service }) => service)]);
  const isOwn = ({ kind, name }: ClosedView) =>
    kind === 'service' ? services.has(name) : routes.some(({ host }) => host === name);
  return {
    ...state,
    clusters: state.clusters.filter(({ name }) => name === cluster),
    routes,
    streams,
    services: state.services.filter(({ name }) => services.has(name)),
    problems: state.problems.filter((problem) =>
      problem.cluster === undefined ? services.has(problem.service ?? '') : problem.cluster === cluster,
    ),
    maintenance: state.maintenance.filter(isOwn),
    changes: [],
  };
}
