import { aNetwork } from '../support/builders.ts';
import { aSwarm } from '../support/controller-world.ts';
import { type ContractWorld, describeSwarm } from '../support/swarm-contract.ts';

const brokenImage = 'example.org/broken:1';

async function open(): Promise<ContractWorld> {
  const swarm = aSwarm();
  return {
    swarm,
    run: 'contract',
    image: 'example.org/demo:1',
    brokenImage,
    async createNetwork(name) {
      swarm.addNetwork(aNetwork(name));
      return name;
    },
    removeNetwork: async (id) => swarm.removeNetwork(id),
    amend: async (service, change) => swarm.amend(service, change),
    specOf: async (service) => swarm.service(service).spec,
    async settle(name) {
      const service = swarm.service(name);
      if (!service.isRolling) return;
      if (service.observe().image === brokenImage) swarm.rollBack(name, `No such image: ${brokenImage}`);
      else service.finish();
    },
    async close() {},
  };
}

describeSwarm('the swarm in memory', open);
