import type { Backends } from '../../model/backends/backends.ts';
import { explainTasks } from '../../model/backends/explain-tasks.ts';
import type { ClusterState } from '../../model/cluster-state.ts';
import { plainGet, type RequestDetails } from '../../model/explain/details.ts';
import { explainStream, parseConnection } from '../../model/explain/explain-stream.ts';
import { knowsHost } from '../../model/explain/explanation.ts';
import { isExplainable } from '../../model/explain/request.ts';
import { explainUrl } from '../../model/explain.ts';
import type { ClusterExplanation } from './requests.ts';

/** How each cluster routes the URL, those that know the host first; undefined if the text is not a URL. */
export function explainEverywhere(
  clusters: readonly ClusterState[],
  url: string,
  details: RequestDetails = plainGet,
  backends: Backends = new Map(),
): ClusterExplanation[] | undefined {
  const isConnection = parseConnection(url) !== undefined;
  if (!isConnection && !isExplainable(url)) return undefined;
  const explanations = clusters.flatMap(({ cluster, table, streamTable, rejectedClaims }) => {
    const { PublicSSLPort, PublishedSSLPort } = cluster.settings;
    const explanation = isConnection
      ? explainStream(streamTable, url)
      : explainUrl(table, url, { httpsPort: PublicSSLPort ?? PublishedSSLPort, rejectedClaims, details });
    if (explanation === undefined) return [];
    const { tasks, because = [] } = explainTasks(explanation.answer, backends) ?? {};
    const known = tasks === undefined ? {} : { tasks };
    return [{ cluster: cluster.name, ...explanation, ...known, because: [...explanation.because, ...because] }];
  });
  const isStranger = ({ answer }: ClusterExplanation) => Number(!knowsHost(answer));
  return explanations.toSorted((a, b) => isStranger(a) - isStranger(b));
}
