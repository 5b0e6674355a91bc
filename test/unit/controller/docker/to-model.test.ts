import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { EngineNode, EngineService } from '../../../../src/controller/docker/schema.ts';
import {
  hasHostPorts,
  toOwnedService,
  toSwarmNode,
  toSwarmService,
} from '../../../../src/controller/docker/to-model.ts';
import { goldenPath } from '../../../support/golden.ts';

/** A recorded answer of the Engine. */
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
  it('is parsed as recorded', () => {
    const { networks, services } = recorded();

    expect(toSwarmService(service())).toEqual({
      id: services[0].ID,
      name: 'app',
      createdAt: services[0].CreatedAt,
      labels: services[0].Spec.Labels,
      networkIds: [networks.find(({ Name }: { Name: string }) => Name === 'app').Id],
      virtualAddresses: { [networks.find(({ Name }: { Name: string }) => Name === 'app').Id]: '10.0.1.2' },
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

  it('lists the secrets that it mounts', () => {
    const mounting = service(({ Spec }) => {
      Spec.TaskTemplate.ContainerSpec.Secrets = [{ SecretID: 'a' }, { SecretID: 'b' }];
    });

    expect(toSwarmService(mounting).secretIds).toEqual(['a', 'b']);
    expect(toSwarmService(service())).not.toHaveProperty('secretIds');
  });

  it('may omit empty fields, or set them to null', () => {
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

  it('has placement constraints', () => {
    const placed = service(({ Spec }) => {
      Spec.TaskTemplate.Placement = {
        Constraints: ['node.role==worker'],
        Preferences: [{ Spread: { SpreadDescriptor: 'node.labels.zone' } }],
        Platforms: [{ Architecture: 'amd64', OS: 'linux' }, {}],
      };
    });
    const unplaced = service(({ Spec }) => {
      Spec.TaskTemplate.Placement = { Constraints: null };
    });

    expect(toOwnedService(placed).placement).toEqual({
      constraints: ['node.role==worker'],
      spreadOver: ['node.labels.zone'],
      platforms: [
        { os: 'linux', architecture: 'amd64' },
        { os: '', architecture: '' },
      ],
    });
    expect(toOwnedService(unplaced).placement).toEqual({ constraints: [], spreadOver: [], platforms: [] });
  });

  it('created by an old client has its networks in another field', () => {
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

  it('is rejected without its required fields', () => {
    for (const field of ['ID', 'Version', 'CreatedAt', 'Spec']) {
      expect(() => service((answer) => delete answer[field])).toThrow();
    }
  });
});

describe('DNS names of a service', () => {
  const stack = { 'com.docker.stack.namespace': 'shop' };
  const withNetworks = (aliases: readonly (readonly string[] | null)[], more: object = {}) =>
    service(({ Spec }) => {
      Object.assign(Spec, { Name: 'shop_web', Labels: stack, ...more });
      Spec.TaskTemplate.Networks = aliases.map((Aliases, position) => ({ Target: `n${position}`, Aliases }));
    });

  it('are not kept if Swarm or the stack set them', () => {
    expect(toSwarmService(withNetworks([null, ['web'], ['shop_web', 'web']])).claims).toBeUndefined();
  });

  it('are kept by network if a user chose them', () => {
    const answer = withNetworks([['web', 'tasks.web.app'], ['api']]);

    expect(toSwarmService(answer).claims).toEqual([
      { kind: 'alias', name: 'tasks.web.app', networkIds: ['n0'] },
      { kind: 'alias', name: 'api', networkIds: ['n1'] },
    ]);
    expect(toOwnedService(answer).claims).toHaveLength(2);
  });

  it('are kept as host names of tasks, on all networks', () => {
    const answer = withNetworks([null, null]);
    answer.Spec.TaskTemplate.ContainerSpec!.Hostname = 'tasks.web.app';

    expect(toSwarmService(answer).claims).toEqual([
      { kind: 'hostname', name: 'tasks.web.app', networkIds: ['n0', 'n1'] },
    ]);
  });

  it('are found in the field that very old clients use', () => {
    const answer = withNetworks([], { Networks: [{ Target: 'old', Aliases: ['a.b'] }] });

    expect(toSwarmService(answer).claims).toEqual([{ kind: 'alias', name: 'a.b', networkIds: ['old'] }]);
  });

  it.each(['updating', 'paused', undefined])(
    'are kept from the previous specification, whose tasks may still run: %s',
    (State) => {
      const answer = withNetworks([null]);
      const { Spec } = withNetworks([['tasks.web.app']]);
      const updated = { ...answer, PreviousSpec: Spec, UpdateStatus: { State } };

      expect(toSwarmService(updated).claims).toHaveLength(1);
      expect(toSwarmService({ ...updated, UpdateStatus: { State: 'completed' } }).claims).toBeUndefined();
    },
  );

  it('are not needed if a routed service has a virtual address', () => {
    const labels = { Labels: { 'com.docker.lb.port': '80' } };
    const answer = withNetworks([null], labels);
    const at = (Addr: string) =>
      toSwarmService({ ...answer, Endpoint: { Ports: [], VirtualIPs: [{ NetworkID: 'n0', Addr }] } });

    expect(at('10.0.1.2/24').virtualAddresses).toEqual({ n0: '10.0.1.2' });
    expect(at('').virtualAddresses).toBeUndefined();
    expect(at('10.0.1.2/24; include /etc/passwd').virtualAddresses).toBeUndefined();
  });
});

describe('a node of the Engine', () => {
  const [answer] = recorded().nodes;

  it('has labels, labels of its engine, and a platform', () => {
    const labeled = EngineNode.parse({
      ...answer,
      Spec: { ...answer.Spec, Labels: { zone: 'a' } },
      Description: {
        ...answer.Description,
        Engine: { Labels: { storage: 'ssd' } },
        Platform: { OS: 'linux', Architecture: 'aarch64' },
      },
    });
    const bare = EngineNode.parse({ ...answer, Spec: { ...answer.Spec, Labels: null }, Description: null });

    expect(toSwarmNode(labeled)).toMatchObject({
      labels: { zone: 'a' },
      engineLabels: { storage: 'ssd' },
      platform: { os: 'linux', architecture: 'aarch64' },
    });
    expect(toSwarmNode(bare)).not.toHaveProperty('labels');
    expect(toSwarmNode(bare)).not.toHaveProperty('platform');
  });

  const at = (address: string, manager?: string) =>
    toSwarmNode(
      EngineNode.parse({
        ...answer,
        Status: { ...answer.Status, Addr: address },
        ManagerStatus: manager ? { Addr: manager } : null,
      }),
    ).address;

  it('is parsed as recorded', () => {
    expect(toSwarmNode(EngineNode.parse(answer))).toMatchObject({
      id: answer.ID,
      name: answer.Description.Hostname,
      role: 'manager',
      ready: true,
      active: true,
    });
  });

  it('has the address at which other nodes reach it', () => {
    expect(at('10.0.0.1')).toBe('10.0.0.1');
    expect(at('10.0.0.1', '10.0.0.2:2377')).toBe('10.0.0.1');
    expect(at('0.0.0.0', '10.0.0.2:2377')).toBe('10.0.0.2');
    expect(at('127.0.0.1', '10.0.0.2:2377')).toBe('10.0.0.2');
    expect(at('0.0.0.0')).toBeUndefined();
    expect(at('')).toBeUndefined();
  });
});
