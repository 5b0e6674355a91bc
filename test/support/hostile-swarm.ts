import { buildDesiredState } from '../../src/model/desired-state.ts';
import { toRenderInput } from '../../src/model/render-input.ts';
import { parseSettings } from '../../src/model/settings/settings.ts';
import type { SwarmService } from '../../src/model/snapshot.ts';
import { aNetwork, aNode, aService } from './builders.ts';
import { render } from './golden.ts';

type Labels = Readonly<Record<string, string>>;

const { settings } = parseSettings({ Extensions: { default: {}, east: { ServiceCluster: 'us-east' } } }, '1');

/** Two harmless services: one on all of its host, one below a path with a rewrite. */
const innocents: readonly SwarmService[] = [
  aService('alice', { networks: ['app'] }),
  aService('bob', { networks: ['app'], lb: { context_root: '/bob', context_root_rewrite: 'true' } }),
];

/** The result for a swarm with a service that has these labels, or with the harmless ones only. */
export function renderBeside(labels?: Labels) {
  return renderAllBeside(labels === undefined ? [] : [{ ...aService('mallory'), labels }]);
}

/** The same with any number of services. */
export function renderAllBeside(mallory: readonly SwarmService[]) {
  const nothing = { hostTasks: [], configs: [], secrets: [], owned: [] };
  const networks = [aNetwork('app'), aNetwork('demo_demo-network')];
  // Older services win a shared host. Another test covers that.
  const services = [...innocents, ...mallory].map((service, position) => ({
    ...service,
    createdAt: String(position).padStart(6, '0'),
  }));
  const desired = buildDesiredState({ services, networks, nodes: [aNode('node')], ...nothing }, settings);
  const clusters = desired.clusters.map((state) => ({
    name: state.cluster.name,
    table: state.table,
    input: toRenderInput(state),
    text: render(toRenderInput(state)).files[0]!.text,
  }));
  return { clusters, problems: desired.problems };
}
