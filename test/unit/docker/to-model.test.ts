import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { EngineNode, EngineService } from '../../../src/docker/schema.ts';
import { hasHostPorts, toOwnedService, toSwarmNode, toSwarmService } from '../../../src/docker/to-model.ts';
import { goldenPath } from '../../support/golden.ts';

/** An answer of the Engine, recorded. */
// biome-ignore lint/suspicious/noExplicitAny: the Engine's open-ended JSON.
function recorded(name = 'ip-hash'): any {
  return JSON.parse(readFileSync(goldenPath(name, 'swarm.json'), 'utf8'));
}

// biome-ignore lint/suspicious/noExplicitAny: the Engine's open-ended JSON.
function service(change: (service: any) => void = () => undefined) {
  const [answer] = recorded().services;
  change(answer);
  return EngineService.parse(answer);
}

describe('a service of the Engine', () => {
  it('is understood as recorded', () => {
    const { networks, services } = recorded();

    expect(toSwarmService(service())).toEqual({
      id: services[0].ID,
      name: 'app',
      createdAt: services[0].CreatedAt,
      labels: services[0].Spec.Labels,
      networkIds: [networks.find(({ Name }: { Name: string }) => Name === 'app').Id],
      mode: { kind: 'replicated', replicas: 3 },
      endpointMode: 'vip',
      ports: [],
    });
  });

  it.each([
    [{ Replicated: { Replicas: 0 } }, { kind: 'replicated', replicas: 0 }],
    [{ Replicated: {} }, { kind: 'replicated', replicas: 1 }],
    [{ Global: {} }, { kind: 'global' }],
    [{ ReplicatedJob: { MaxConcurrent: 1, TotalCompletions: 1 } }, { kind: 'job' }],
    [{ GlobalJob: {} }, { kind: 'job' }],
  ])('has a mode: %j', (mode, expected) => {
    expect(toSwarmService(service(({ Spec }) => Object.assign(Spec, { Mode: mode }))).mode).toEqual(expected);
  });

  it('may leave out, or say null for, whatever is empty', () => {
    const bare = service((answer) => {
      Object.assign(answer.Spec, { Labels: null, EndpointSpec: null, Networks: null });
      answer.Spec.TaskTemplate = { Networks: null, ContainerSpec: null };
      answer.Endpoint = null;
      answer.UpdateStatus = null;
    });

    expect(toSwarmService(bare)).toMatchObject({ labels: {}, networkIds: [], endpointMode: 'vip', ports: [] });
    expect(toOwnedService(bare)).toMatchObject({
      configIds: [],
      secretIds: [],
      image: '',
      rollout: { kind: 'settled' },
    });
  });

  it('made by an old client has its networks in another place', () => {
    const old = service(({ Spec }) => {
      Spec.Networks = [{ Target: 'old' }];
      Spec.TaskTemplate.Networks = null;
    });

    expect(toSwarmService(old).networkIds).toEqual(['old']);
  });

  it('has ports as the swarm published them', () => {
    const answers = recorded('host-mode-ports').services.map((answer: unknown) => EngineService.parse(answer));

    expect(answers.map(hasHostPorts)).toEqual(answers.map(() => true));
    expect(toSwarmService(answers[0]).ports).toEqual([{ target: 80, published: 8081, mode: 'host', protocol: 'tcp' }]);
  });

  it('is not understood without what makes it one', () => {
    for (const field of ['ID', 'Version', 'CreatedAt', 'Spec']) {
      expect(() => service((answer) => delete answer[field])).toThrow();
    }
  });
});

describe('a node of the Engine', () => {
  const [answer] = recorded().nodes;
  const at = (address: string, manager?: string) =>
    toSwarmNode(
      EngineNode.parse({
        ...answer,
        Status: { ...answer.Status, Addr: address },
        ManagerStatus: manager ? { Addr: manager } : null,
      }),
    ).address;

  it('is understood as recorded', () => {
    expect(toSwarmNode(EngineNode.parse(answer))).toMatchObject({
      id: answer.ID,
      name: answer.Description.Hostname,
      role: 'manager',
      ready: true,
      active: true,
    });
  });

  it('has the address at which the others reach it', () => {
    expect(at('10.0.0.1')).toBe('10.0.0.1');
    expect(at('10.0.0.1', '10.0.0.2:2377')).toBe('10.0.0.1');
    expect(at('0.0.0.0', '10.0.0.2:2377')).toBe('10.0.0.2');
    expect(at('127.0.0.1', '10.0.0.2:2377')).toBe('10.0.0.2');
    expect(at('0.0.0.0')).toBeUndefined();
    expect(at('')).toBeUndefined();
  });
});
