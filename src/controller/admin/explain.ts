import type { ClusterState } from '../../model/cluster-state.ts';
import { isExplainable } from '../../model/explain/request.ts';
import { explainUrl } from '../../model/explain.ts';
import type { ClusterExplanation } from './requests.ts';

/** How each cluster routes the URL, those that know the host first; undefined if the text is not a URL. */
export function explainEverywhere(clusters: readonly ClusterState[], url: string): ClusterExplanation[] | undefined {
  if (!isExplainable(url)) return undefined;
  const explanations = clusters.flatMap(({ cluster, table, rejectedClaims }) => {
    const { PublicSSLPort, PublishedSSLPort } = cluster.settings;
    const explanation = explainUrl(table, url, PublicSSLPort ?? PublishedSSLPort, rejectedClaims);
    return explanation === undefined ? [] : [{ cluster: cluster.name, ...explanation }];
  });
  const isStranger = ({ answer }: ClusterExplanation) => Number(answer.kind === 'no-host');
  return explanations.toSorted((a, b) => isStranger(a) - isStranger(b));
}
