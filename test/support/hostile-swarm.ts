import { buildDesiredState } from '../../src/model/desired-state.ts';
import { toRenderInput } from '../../src/model/render-input.ts';
import { buildRouteTable } from '../../src/model/route-table.ts';
import { parseSettings } from '../../src/model/settings.ts';
import type { SwarmService } from '../../src/model/snapshot.ts';
import { aNetwork, aNode, aService } from './builders.ts';
import { render } from './golden.ts';

type Labels = Readonly<Record<string, string>>;

const { settings } = parseSettings({ Extensions: { default: {}, east: { ServiceCluster: 'us-east' } } }, '1');

/** Two that mean no harm: one on the whole of its host, one below a path and rewritten. */
const innocents: readonly SwarmService[] = [
  aService('alice', { networks: ['app'] }),
  aService('bob', { networks: ['app'], lb: { context_root: '/bob', context_root_rewrite: 'true' } }),
];

/** What comes of a swarm with a service that has these labels, or with the innocent ones alone. */
export function renderBeside(labels?: Labels) {
  return renderAllBeside(labels === undefined ? [] : [{ ...aService('mallory'), labels }]);
}

/** The same with any number of services. */
export function renderAllBeside(mallory: readonly SwarmService[]) {
  const nothing = { hostTasks: [], configs: [], secrets: [], owned: [] };
  const networks = [aNetwork('app'), aNetwork('demo_demo-network')];
  // Older ones would win a tie over a host; that they do is another test.
  const services = [...innocents, ...mallory].map((service, position) => ({
    ...service,
    createdAt: String(position).padStart(6, '0'),
  }));
  const desired = buildDesiredState({ services, networks, nodes: [aNode('node')], ...nothing }, settings);
  const clusters = desired.clusters.map((state) => ({
    name: state.cluster.name,
    table: buildRouteTable(state.routes),
    input: toRenderInput(state),
    text: render(toRenderInput(state)).files[0]!.text,
  }));
  return { clusters, problems: desired.problems };
}
