import { buildDesiredState } from '../../src/model/desired-state.ts';
import { type RenderInput, toRenderInput } from '../../src/model/render-input.ts';
import { parseSettings } from '../../src/model/settings/settings.ts';
import type { SwarmService } from '../../src/model/snapshot.ts';
import { aNetwork, aNode, aService } from './builders.ts';

const { settings: defaults } = parseSettings({}, '1');

/** `service0`, `service1`, …: from about 700 on their configuration is split into parts. */
export function manyServices(count: number): SwarmService[] {
  return Array.from({ length: count }, (_, n) => aService(`service${n}`, { createdAt: String(n).padStart(6, '0') }));
}

/** The render request for these services. */
export function inputOf(services: readonly SwarmService[], settings = defaults): RenderInput {
  const networks = [aNetwork('app')];
  const nothing = { hostTasks: [], configs: [], secrets: [], owned: [] };
  return toRenderInput(
    buildDesiredState({ services, networks, nodes: [aNode('node')], ...nothing }, settings).clusters[0]!,
  );
}
