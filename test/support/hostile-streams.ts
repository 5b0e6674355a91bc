import { buildDesiredState } from '../../src/model/desired-state.ts';
import { toRenderInput } from '../../src/model/render-input.ts';
import { parseSettings } from '../../src/model/settings/settings.ts';
import { aNetwork, aNode, aService } from './builders.ts';
import { render } from './golden.ts';
import { examples } from './hostile-labels.ts';

const ports = { TcpPorts: [5432, 5433], UdpPorts: [53, 54], PublishMode: 'host' };
const { settings } = parseSettings({ Extensions: { default: ports } }, '1');

/** Harmless services: one of several names on a port, and one alone on its ports. */
const innocents = [
  aService('alice', { host: 'alice.example.org', lb: { tcp_port: '5432', tcp_tls: examples.tcp_tls! } }),
  aService('bob', { host: '', lb: { tcp_port: '5433', udp_port: '54' } }),
];

/** The result for a swarm with a newer service that has these labels. */
export function renderStreamsBeside(labels?: Readonly<Record<string, string>>) {
  const mallory = labels === undefined ? [] : [{ ...aService('mallory'), labels }];
  const services = [...innocents, ...mallory].map((service, n) => ({ ...service, createdAt: String(n) }));
  const secret = { id: 'secret', name: examples.tcp_tls!, createdAt: '', labels: {} };
  const nothing = { hostTasks: [], configs: [], owned: [] };
  const networks = [aNetwork('app')];
  const desired = buildDesiredState(
    { services, networks, nodes: [aNode('node')], secrets: [secret], ...nothing },
    settings,
  );
  const [state] = desired.clusters as [(typeof desired.clusters)[number]];
  const input = toRenderInput(state);
  return { input, table: state.streamTable, text: render(input).files[0]!.text, problems: desired.problems };
}
