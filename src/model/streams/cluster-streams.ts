import type { RoutedService } from '../parse-service.ts';
import type { Problem } from '../problem.ts';
import type { Backend } from '../route.ts';
import { keepStreamsWithin } from './stream-budget.ts';
import { compareStreams, type StreamRoute } from './stream-route.ts';
import { buildStreamTable, type StreamTable } from './stream-table.ts';

export interface ClusterStreams {
  /** Sorted, so that equal states have equal bytes. */
  readonly routes: readonly StreamRoute[];
  readonly table: StreamTable;
  readonly problems: readonly Problem[];
}

const CLOSED: Backend = { kind: 'unavailable' };

/** The routes of connections in a cluster, with the hosts and tasks that are left after the checks that all routes share. */
export function toStreams(
  open: readonly RoutedService[],
  closed: readonly RoutedService[],
  cluster: string,
): ClusterStreams {
  const all = [
    ...open.flatMap(({ stream, route }) => {
      // A host that another owner has must not become all hosts.
      if (stream === undefined || (stream.hosts.length > 0 && route.hosts.length === 0)) return [];
      // A page cannot explain maintenance to these clients, so their connections are refused.
      const backend = route.maintenance === undefined ? route.backend : CLOSED;
      return [{ ...stream, hosts: route.hosts, backend }];
    }),
    ...closed.flatMap(({ stream, route }) =>
      stream === undefined ? [] : [{ ...stream, hosts: route.hosts, backend: CLOSED }],
    ),
  ];
  const { kept, problems } = keepStreamsWithin(all, cluster);
  const routes = kept.toSorted(compareStreams);
  const table = buildStreamTable(routes);
  return { routes, table, problems: [...problems, ...table.problems.map((problem) => ({ ...problem, cluster }))] };
}
