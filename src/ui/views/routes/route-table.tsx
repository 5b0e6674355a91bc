import type { RouteView, ServiceView, State } from '../../../controller/admin/state.ts';
import { count } from '../../lib/format.ts';
import { concerns } from '../../lib/problems.ts';
import { Lamp } from '../../parts/signal.tsx';

const kinds = { exact: undefined, wildcard: 'wildcard', regex: 'regex', default: 'catch-all' } as const;

/** Host → path → services. A host is shown once for all its paths. */
export function RouteTable({ routes, state }: { readonly routes: readonly RouteView[]; readonly state: State }) {
  const tasks = new Map(state.services.map((service) => [service.name, service]));
  const hosts = Map.groupBy(routes, ({ cluster, host }) => `${cluster} ${host}`);
  const showsCluster = state.clusters.length > 1;
  return (
    <table class="routes">
      <thead>
        <tr>
          <th scope="col">Host</th>
          <th scope="col">Path</th>
          <th scope="col">Services</th>
          <th scope="col">Status</th>
        </tr>
      </thead>
      {[...hosts].map(([key, own]) => (
        <tbody key={key}>
          {own.map((route, index) => (
            <tr key={route.path}>
              {index === 0 ? (
                <th scope="rowgroup" rowSpan={own.length} class="route-host">
                  <code>{route.host}</code> <Badges route={route} showsCluster={showsCluster} />
                </th>
              ) : null}
              <td class="route-path">
                <code>{route.path}</code>
                {route.rewrite ? <span class="tag">prefix stripped</span> : null}
              </td>
              <td>
                <Services names={route.services} tasks={tasks} />
              </td>
              <td class="route-answer">
                <Answer route={route} problems={state.problems} />
              </td>
            </tr>
          ))}
        </tbody>
      ))}
    </table>
  );
}

function Badges({ route, showsCluster }: { readonly route: RouteView; readonly showsCluster: boolean }) {
  const kind = kinds[route.hostKind];
  return (
    <>
      {kind === undefined ? null : <span class="tag">{kind}</span>}
      {showsCluster ? <span class="tag">{route.cluster}</span> : null}
    </>
  );
}

interface ServicesProps {
  readonly names: readonly string[];
  readonly tasks: ReadonlyMap<string, ServiceView>;
}

function Services({ names, tasks }: ServicesProps) {
  return (
    <ul class="plain">
      {names.map((name) => (
        <li key={name}>
          {name} <span class="muted small">{describeTasks(tasks.get(name))}</span>
        </li>
      ))}
    </ul>
  );
}

function describeTasks(service: ServiceView | undefined): string {
  if (service === undefined) return '';
  return service.tasks === null ? 'one task on every node' : count(service.tasks, 'task');
}

/** The reason a route is unavailable is listed with the problems. A service without tasks is not a problem. */
function Answer({ route, problems }: { readonly route: RouteView; readonly problems: State['problems'] }) {
  if (route.maintenance)
    return (
      <>
        <Lamp aspect="caution" /> under maintenance
      </>
    );
  if (route.available)
    return (
      <>
        <Lamp aspect="clear" /> available
      </>
    );
  const isExplained = problems.some(
    (problem) => problem.severity === 'error' && route.services.some((service) => concerns(problem, service)),
  );
  return (
    <>
      <Lamp aspect="danger" /> 503 {isExplained ? <a href="#/problems">why?</a> : null}
    </>
  );
}
