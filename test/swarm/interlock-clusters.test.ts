// Acceptance cases L1 to L4, N1, P3, K1, K2 and E2 of Interlock: several pairs of extension and proxy, published in
// host and ingress mode, and applications in host mode.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type NodeName, nodeNames } from '../../bed/bed-shape.ts';
import {
  bed,
  curl,
  defaultSettings,
  demo,
  eventually,
  InterlockStory,
  ping,
  problemsOf,
  proxyIdentity,
  proxyNetworks,
  published,
  settled,
  state,
} from '../support/interlock.ts';
import { applySettings, restoreSettings, serviceIndex } from '../support/story.ts';

const story = new InterlockStory();

/** East and west publish the same ports, each on its own node. */
const onNodes = (region: string) => `
[Extensions.${region}]
ServiceCluster = "us-${region}"
ProxyReplicas = 1
ProxyConstraints = ["node.labels.nodetype==loadbalancer", "node.labels.region==us-${region}"]
PublishMode = "host"
PublishedPort = 8180
PublishedSSLPort = 8543
[Extensions.${region}.Config]
HideInfoHeaders = false
`;

const mesh = `
[Extensions.mesh]
ServiceCluster = "mesh"
ProxyReplicas = 1
Networks = ["clusters-listed"]
PublishedPort = 81
PublishedSSLPort = 444
`;

const east = { node: 'worker1', port: 8180 } as const;
const west = { node: 'worker2', port: 8180 } as const;
const regions = { worker1: 'us-east', worker2: 'us-west' } as const;

const nodeAddresses = nodeNames.map((name) => bed.node(name).ip);

async function create(name: string, words: string): Promise<void> {
  await story.docker(`service create --name ${name} --env METADATA=${name} --label com.docker.lb.hosts=${name}.local
    --label com.docker.lb.port=8080 ${words} ${demo}`);
}

async function upstreamsOf(host: string, requests = 12): Promise<Set<string>> {
  const answers = await Promise.all(Array.from({ length: requests }, () => curl(host, '/ping', east)));
  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
  return new Set(answers.map(({ headers }) => String(headers['x-upstream-addr'])));
}

/** Addresses of tasks on their nodes. */
async function publishedBy(service: string): Promise<Set<string>> {
  const tasks = (await bed.running(service)) as unknown as {
    NodeID: string;
    Status: { PortStatus: { Ports: { PublishedPort: number }[] } };
  }[];
  const ids = await Promise.all(bed.nodes.map((node) => node.swarmId()));
  return new Set(
    tasks.flatMap(({ NodeID, Status }) =>
      Status.PortStatus.Ports.map(({ PublishedPort }) => `${bed.nodes[ids.indexOf(NodeID)]!.ip}:${PublishedPort}`),
    ),
  );
}

beforeAll(async () => {
  for (const [node, region] of Object.entries(regions)) {
    await story.docker(`node update --label-add nodetype=loadbalancer --label-add region=${region} ${node}`);
  }
  for (const name of ['east', 'west', 'listed', 'other']) {
    await story.docker(`network create -d overlay clusters-${name}`);
  }
  const inEast = '--label com.docker.lb.service_cluster=us-east';
  const hostPort = '--publish mode=host,target=8080';
  await create('demo-east', `--network clusters-east ${inEast}`);
  await create('demo-west', '--network clusters-west --label com.docker.lb.service_cluster=us-west');
  await create('demo-default', '--network clusters-west');
  await create('demo-mesh', '--network clusters-listed --label com.docker.lb.service_cluster=mesh');
  await create('demo-outside', '--network clusters-other --label com.docker.lb.service_cluster=mesh');
  await create('demo-host', `--replicas 2 ${hostPort} ${inEast}`);
  await create(
    'demo-hybrid',
    `--endpoint-mode dnsrr --network clusters-east --network bridge ${hostPort}
     --label com.docker.lb.network=bridge ${inEast}`,
  );
  await create('demo-hash', `--replicas 5 --network clusters-east --label com.docker.lb.ip_hash=true ${inEast}`);
  await applySettings(`${defaultSettings}${onNodes('east')}${onNodes('west')}${mesh}`);
  await published(
    'demo-default.local',
    ...['demo-east.local', 'demo-host.local', 'demo-hybrid.local', 'demo-hash.local'].map((host) => ({
      host,
      path: '/ping',
      ...east,
    })),
    { host: 'demo-west.local', path: '/ping', ...west },
    { host: 'demo-mesh.local', path: '/ping', port: 81 },
  );
});

afterAll(async () => {
  await restoreSettings();
  await story.close();
  for (const node of Object.keys(regions)) {
    await story.docker(`node update --label-rm nodetype --label-rm region ${node}`);
  }
});

describe('service clusters', () => {
  it('L1, L2, L3: publish each its own services on its own node', async () => {
    expect((await ping('demo-east.local', east)).metadata).toBe('demo-east');
    expect((await ping('demo-west.local', west)).metadata).toBe('demo-west');
    expect((await curl('demo-west.local', '/ping', east)).status).toBe(503);
    expect((await curl('demo-east.local', '/ping', west)).status).toBe(503);
    expect((await curl('demo-east.local', '/ping')).status).toBe(503);
  });

  it('N1: run on the nodes with matching labels', async () => {
    for (const [node, region] of Object.entries(regions)) {
      const tasks = await bed.running(`signalbox-proxy-${region.slice(3)}`);
      const id = await bed.node(node as NodeName).swarmId();
      expect(tasks.map(({ NodeID }) => NodeID)).toEqual([id]);
    }
  });

  it.each(nodeNames)('L4: publish in ingress mode on ports of their own: %s', async (node) => {
    // Nodes receive a new port one after the other.
    await eventually(async () => {
      expect((await ping('demo-mesh.local', { node, port: 81 })).metadata).toBe('demo-mesh');
      expect((await ping('demo-default.local', { node })).metadata).toBe('demo-default');
      expect((await curl('demo-default.local', '/ping', { node, port: 81 })).status).toBe(503);
    });
  });

  it('are all found by scripts for Interlock', async () => {
    const found = await story.docker(
      'service ls --filter label=type=com.docker.interlock.core.proxy --format {{.Name}}',
    );

    const names = ['', '-east', '-mesh', '-west'].map((suffix) => `signalbox-proxy${suffix}`);
    expect(found.trim().split('\n').toSorted()).toEqual(names);
  });

  it('L4: are not affected if another one changes', async () => {
    const others = ['signalbox-proxy', 'signalbox-proxy-west', 'signalbox-proxy-mesh'];
    const look = async () => ({
      indices: await Promise.all(others.map((name) => serviceIndex(name))),
      identities: await Promise.all(others.map((name) => proxyIdentity(name))),
    });
    const before = await look();

    await story.docker('service update --label-add com.docker.lb.hosts=demo-east.local,late.local demo-east');
    await published({ host: 'late.local', path: '/ping', ...east });
    await story.docker('service scale demo-east=2');
    await bed.settle('demo-east', 2);
    await settled();

    expect(await look()).toEqual(before);
    expect((await curl('late.local', '/ping', west)).status).toBe(503);
  });

  it('P3: join only the listed networks, and report why a service elsewhere is not reached', async () => {
    expect((await curl('demo-outside.local', '/ping', { port: 81 })).status).toBe(503);

    const networks = await proxyNetworks('signalbox-proxy-mesh');
    const [listed, other] = await Promise.all(
      ['clusters-listed', 'clusters-other'].map(async (name) => {
        const [network] = await bed.manager.docker.listNetworks({ filters: { name: [name] } });
        return network!.Id;
      }),
    );
    expect(networks).toContain(listed);
    expect(networks).not.toContain(other);
    expect(await problemsOf('demo-outside')).toEqual([
      expect.objectContaining({
        label: 'com.docker.lb.network',
        reason: expect.stringMatching(
          /^network \S+ is not in Extensions\.\S+\.Networks, so the proxies do not join it$/,
        ),
      }),
    ]);
  });

  it('are listed to the owner of a service that names an unknown one', async () => {
    await create('demo-nowhere', '--network clusters-west --label com.docker.lb.service_cluster=us-north');

    await eventually(async () => {
      expect(await problemsOf('demo-nowhere')).toEqual([
        expect.objectContaining({
          label: 'com.docker.lb.service_cluster',
          value: 'us-north',
          remedy: 'Name one of: mesh, the default cluster, us-east, us-west.',
        }),
      ]);
    });
    expect((await state()).routes.map(({ host }) => host)).not.toContain('demo-nowhere.local');
  });
});

describe('applications in host mode', () => {
  it('K1: are reached at addresses and ports of the nodes, wherever their tasks move', async () => {
    expect(await upstreamsOf('demo-host.local')).toEqual(await publishedBy('demo-host'));

    await story.docker('service update --constraint-add node.role==manager --update-parallelism 0 demo-host');

    await eventually(async () => {
      const upstreams = await upstreamsOf('demo-host.local');
      expect([...upstreams].every((upstream) => upstream.startsWith(`${bed.manager.ip}:`))).toBe(true);
      expect(upstreams).toEqual(await publishedBy('demo-host'));
      expect(upstreams.size).toBe(2);
    }, 120_000);
  });

  it('K2: are reached there although they have an overlay network, if the label says bridge', async () => {
    const [upstream, ...others] = await upstreamsOf('demo-hybrid.local');

    expect(others).toEqual([]);
    expect(nodeAddresses).toContain(upstream!.replace(/:\d+$/, ''));
  });
});

describe('ip_hash', () => {
  it('E2: sends an address to the same task, and to one task again after scaling', async () => {
    expect((await upstreamsOf('demo-hash.local')).size).toBe(1);

    await story.docker('service scale demo-hash=10');
    await bed.settle('demo-hash', 10);

    await eventually(async () => expect((await upstreamsOf('demo-hash.local', 24)).size).toBe(1));
  });
});
