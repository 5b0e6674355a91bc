import type { RouteView, ServiceView, State } from '../../../controller/admin/state.ts';
import { explainLink } from '../../lib/asked-request.ts';
import { count } from '../../lib/format.ts';
import { toHash } from '../../lib/place.ts';
import { Answer } from './answer.tsx';

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
            <tr key={`${route.path} ${route.match ?? ''} ${route.services.join()}`}>
              {index === 0 ? (
                <th scope="rowgroup" rowSpan={own.length} class="route-host">
                  <code>{route.host}</code> <Badges route={route} showsCluster={showsCluster} />{' '}
                  <a
                    class="small"
                    href={toHash({ view: 'traffic', query: { cluster: route.cluster, host: route.host } })}
                  >
                    traffic<span class="for-ears"> of {route.host}</span>
                  </a>
                </th>
              ) : null}
              <td class="route-path">
                <code>{route.path}</code> <Details route={route} />
                {route.match === undefined ? null : <span class="tag">if {route.match}</span>}
                {route.rewrite ? <span class="tag">prefix stripped</span> : null}
              </td>
              <td>
                <Services names={route.services} tasks={tasks} />
                {route.weight === undefined ? null : <span class="tag">weight {route.weight}</span>}
              </td>
              <td class="route-answer">
                <Answer route={route} />
              </td>
            </tr>
          ))}
        </tbody>
      ))}
    </table>
  );
}

/** Explains the route: what its labels do to a request. */
function Details({ route }: { readonly route: RouteView }) {
  const link = explainLink(route);
  if (link === undefined) return null;
  return (
    <a class="small" href={link}>
      details
      <span class="for-ears">
        {' '}
        of {route.host}
        {route.path} {route.match}
      </span>
    </a>
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
  const { tasks, desired, running } = service;
  if (running !== null && desired !== null) return `${running} of ${count(desired, 'task')}`;
  return tasks === null ? 'one task on every node' : count(tasks, 'task');
}
