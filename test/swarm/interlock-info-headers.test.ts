// Acceptance cases of Interlock that read its info headers, which are off by default: A1, C1, D1, E1, J1 to J3.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  bed,
  curl,
  defaultSettings,
  demo,
  eventually,
  InterlockStory,
  pings,
  proxyIdentity,
  published,
} from '../support/interlock.ts';
import { applySettings, restoreSettings } from '../support/story.ts';

const story = new InterlockStory();

/** A second name of the image, for an update. */
const next = 'signalbox/demo:next';

async function addressesOf(service: string, network: string): Promise<string[]> {
  const tasks = (await bed.running(service)) as unknown as {
    NetworksAttachments: { Network: { Spec: { Name: string } }; Addresses: string[] }[];
  }[];
  return tasks.flatMap(({ NetworksAttachments }) =>
    NetworksAttachments.filter(({ Network }) => Network.Spec.Name === network).flatMap(({ Addresses }) =>
      Addresses.map((address) => address.replace(/\/\d+$/, '')),
    ),
  );
}

async function virtualAddress(service: string): Promise<string> {
  const format = '{{range .Endpoint.VirtualIPs}}{{.Addr}} {{end}}';
  return (await bed.docker('service', 'inspect', '--format', format, service)).trim().replace(/\/\d+$/, '');
}

async function upstreamsOf(host: string, path: string, count: number, headers = {}): Promise<Set<unknown>> {
  const answers = await Promise.all(Array.from({ length: count }, () => curl(host, path, { headers })));
  return new Set(answers.map((answer) => answer.headers['x-upstream-addr']));
}

describe('info headers', () => {
  beforeAll(async () => {
    await applySettings(`${defaultSettings}
[Extensions.default.Config]
HideInfoHeaders = false
`);
    await story.docker('network create -d overlay info');
    const common = '--network info --label com.docker.lb.port=8080';
    const vip = '--label com.docker.lb.backend_mode=vip';
    await story.docker(`service create --name info-demo ${common} --label com.docker.lb.hosts=old.local,demo.local
      --label com.docker.lb.redirects=http://old.local,http://demo.local ${demo}`);
    await story.docker(`service create --name info-context ${common} --label com.docker.lb.hosts=context.local
      --label com.docker.lb.context_root=/app --label com.docker.lb.context_root_rewrite=true ${demo}`);
    await story.docker(`service create --name info-sticky ${common} --replicas 5 --label com.docker.lb.hosts=sticky.local
      --label com.docker.lb.sticky_session_cookie=session ${demo}`);
    await story.docker(`service create --name info-vip ${common} --replicas 4 --label com.docker.lb.hosts=vip.local ${vip}
      --env METADATA=vip ${demo}`);
    const half = `${common} --label com.docker.lb.hosts=half.local ${vip}`;
    await story.docker(`service create --name info-half-1 ${half} --replicas 1 --env METADATA=one ${demo}`);
    await story.docker(`service create --name info-half-3 ${half} --replicas 3 --env METADATA=three ${demo}`);
    await published('demo.local', { host: 'context.local', path: '/app/' }, 'sticky.local', 'vip.local', 'half.local');
  });
  afterAll(async () => {
    await restoreSettings();
    await story.close();
    for (const node of bed.nodes)
      await node.docker
        .getImage(next)
        .remove()
        .catch(() => {});
  });

  it('A1: show request, proxy, server, task and seconds', async () => {
    const answer = await curl('demo.local', '/slow?ms=120');

    const [address] = await addressesOf('info-demo', 'info');
    expect(answer.headers).toMatchObject({
      'x-request-id': expect.stringMatching(/^[0-9a-f]{32}$/),
      'x-proxy-id': expect.stringMatching(/^[0-9a-f]{12}$/),
      'x-server-info': expect.stringMatching(/^signalbox/),
      'x-upstream-addr': `${address}:8080`,
      'x-upstream-response-time': expect.stringMatching(/^0\.1\d\d$|^0\.[2-9]\d\d$|^[1-9]\.\d{3}$/),
    });
  });

  it('C1: show the task behind a context root', async () => {
    const answer = await curl('context.local', '/app/');

    const [address] = await addressesOf('info-context', 'info');
    expect(answer.status).toBe(200);
    expect(answer.headers['x-upstream-addr']).toBe(`${address}:8080`);
  });

  it('D1: show the proxy and no upstream on a redirect', async () => {
    const { status, headers } = await curl('old.local');

    expect(status).toBe(302);
    expect(headers).toMatchObject({
      location: 'http://demo.local/',
      'x-request-id': expect.any(String),
      'x-proxy-id': expect.any(String),
      'x-server-info': expect.any(String),
    });
    expect(headers).not.toHaveProperty('x-upstream-addr');
    expect(headers).not.toHaveProperty('x-upstream-response-time');
  });

  it('E1: show the same upstream for the same cookies', async () => {
    const first = await curl('sticky.local', '/ping');
    const cookie = (first.headers['set-cookie'] ?? []).map((text) => text.split(';')[0]).join('; ');

    const upstreams = await upstreamsOf('sticky.local', '/ping', 10, { cookie });

    expect(upstreams).toEqual(new Set([first.headers['x-upstream-addr']]));
  });

  it('J1: show the virtual address of a service in VIP mode', async () => {
    expect(await upstreamsOf('vip.local', '/ping', 10)).toEqual(new Set([`${await virtualAddress('info-vip')}:8080`]));
  });

  it('J2: need no change of proxies and configuration if the service is scaled to 2 and to 6', async () => {
    const before = await proxyIdentity();

    for (const replicas of [2, 6]) {
      await story.docker(`service scale info-vip=${replicas}`);
      await eventually(async () => {
        const answers = await pings('vip.local', 40);
        expect(new Set(answers.map(({ instance }) => instance)).size).toBe(replicas);
      });
    }

    expect(await proxyIdentity()).toEqual(before);
  });

  it('J2: need no change of proxies and configuration if its image is updated', async () => {
    const before = await proxyIdentity();
    for (const node of bed.nodes) await node.docker.getImage(demo).tag({ repo: 'signalbox/demo', tag: 'next' });

    await story.docker(`service update --update-parallelism 0 --image ${next} info-vip`);

    await eventually(async () => {
      const images = await bed.docker(
        'service',
        'ps',
        '--filter',
        'desired-state=running',
        '--format',
        '{{.Image}}',
        'info-vip',
      );
      expect(new Set(images.trim().split('\n'))).toEqual(new Set([next]));
      await pings('vip.local', 10);
    });
    expect(await proxyIdentity()).toEqual(before);
  });

  it('J3: show that two services share a host equally, whatever their tasks', async () => {
    await eventually(async () => {
      const answers = await pings('half.local', 60);
      const ones = answers.filter(({ metadata }) => metadata === 'one').length;
      expect(ones / answers.length).toBeCloseTo(0.5, 1);
    });
  });
});
