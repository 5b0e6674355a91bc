// The controller's assumptions about Swarm. test/support/fake-swarm.ts must meet the same ones.
import { expect } from 'vitest';
import { Observer } from '../../src/controller/docker/observer.ts';
import { DockerSwarm } from '../../src/controller/docker/swarm.ts';
import type { Snapshot } from '../../src/model/snapshot.ts';
import { eventually } from '../support/eventually.ts';
import type { Spec } from '../support/fake-service.ts';
import { bed, demo, settled } from '../support/interlock.ts';
import { type ContractWorld, describeSwarm } from '../support/swarm-contract.ts';

const controller = 'signalbox_controller';
const { docker } = bed.manager;
const brokenImage = `${demo}-that-is-not-there`;
const observer = new Observer(docker);

/** It receives no events, so it lists everything in each observation. */
class FreshSwarm extends DockerSwarm {
  override observe(): Promise<Snapshot> {
    observer.forget();
    return super.observe();
  }
}

async function scaleController(replicas: number): Promise<void> {
  await bed.docker('service', 'scale', '--detach', `${controller}=${replicas}`);
  await eventually(async () => {
    const running = (await bed.tasks(controller)).filter(({ Status }) => Status.State === 'running');
    expect(running).toHaveLength(replicas);
  });
}

interface Inspected {
  readonly Version: { readonly Index: number };
  readonly Spec: Spec;
}

const inspect = async (service: string) => (await docker.getService(service).inspect()) as Inspected;

async function open(): Promise<ContractWorld> {
  const run = `contract-${Date.now().toString(36)}`;
  const swarm = new FreshSwarm(docker, observer);
  const networks: string[] = [];
  // It would remove objects of a cluster that it does not know.
  await scaleController(0);
  return {
    swarm,
    run,
    image: demo,
    brokenImage,
    async createNetwork(name) {
      const { id } = await docker.createNetwork({ Name: name, Driver: 'overlay' });
      networks.push(id);
      return id;
    },
    removeNetwork: (id) => docker.getNetwork(id).remove(),
    async amend(service, change) {
      const { Version, Spec: spec } = await inspect(service);
      change(spec);
      await docker.getService(service).update({ version: Version.Index, ...spec });
    },
    specOf: async (service) => (await inspect(service)).Spec,
    settle: (service) => settle(swarm, service),
    async close() {
      // Tasks hold them for a while.
      for (const id of networks) await eventually(() => docker.getNetwork(id).remove());
      await scaleController(1);
      await settled();
    },
  };
}

async function settle(swarm: FreshSwarm, name: string): Promise<void> {
  await eventually(
    async () => {
      const { owned, nodes } = await swarm.observe();
      const service = owned.find((candidate) => candidate.name === name)!;
      expect(['settled', 'rolled-back']).toContain(service.rollout.kind);
      // Swarm takes a moment to report that it has started.
      expect(service.image).not.toBe(brokenImage);
      const wanted = (await swarm.tasks(service.id)).filter(({ desiredState }) => desiredState === 'running');
      expect(wanted).toHaveLength(service.replicas ?? nodes.length);
      for (const task of wanted) expect(task).toMatchObject({ state: 'running', configIds: service.configIds });
    },
    { timeoutMs: 150_000 },
  );
}

describeSwarm('Swarm', open);
