// Acceptance cases I1 to I3 of Interlock, and hosts beyond it: wildcards, expressions, several routes of one service,
// HRM.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  demo,
  echo,
  eventually,
  InterlockStory,
  ping,
  problemsOf,
  proxyIdentity,
  published,
  state,
} from '../support/interlock.ts';

const story = new InterlockStory();

async function create(name: string, words: string): Promise<void> {
  await story.docker(`service create --name ${name} --network hosts --env METADATA=${name} ${words} ${demo}`);
}

const whoAnswers = async (host: string) => (await ping(host)).metadata;

describe('hosts', () => {
  beforeAll(async () => {
    await story.docker('network create -d overlay hosts');
    const port = '--label com.docker.lb.port=8080';
    await create('demo-default', `--label com.docker.lb.default_backend=true ${port}`);
    // The httpd page of MKE's documentation listens on port 80.
    await create('hosts-httpd', '--env PORT=80 --label com.docker.lb.hosts=httpd.local --label com.docker.lb.port=80');
    await create('hosts-exact', `--label com.docker.lb.hosts=a.wild.local,Upper.Local.,bücher.local ${port}`);
    await create('hosts-wildcard', `--label com.docker.lb.hosts=*.wild.local ${port}`);
    await create('hosts-regex', `--label com.docker.lb.hosts=~^v\\d+\\.regex\\.local$ ${port}`);
    await create(
      'hosts-numbered',
      `--label com.docker.lb.hosts=first.local ${port}
       --label com.docker.lb.1.hosts=second.local --label com.docker.lb.1.port=8081
       --label com.docker.lb.1.backend_protocol=h2c`,
    );
    await create('hosts-hrm', '--label com.docker.ucp.mesh.http.1=external_route=http://hrm.local,internal_port=8080');
    await create('hosts-short', '--label com.docker.ucp.mesh.http=8080=http://short.local');
    await published(
      'nobody.local',
      'httpd.local',
      'a.wild.local',
      'v1.regex.local',
      'first.local',
      'second.local',
      'hrm.local',
    );
  });
  afterAll(() => story.close());

  it('I1: answers unknown hosts with the default backend', async () => {
    expect(await whoAnswers('unknown.local')).toBe('demo-default');
    expect((await state()).routes).toContainEqual(
      expect.objectContaining({ host: '*', hostKind: 'default', services: ['demo-default'] }),
    );
  });

  it('I1: accepts the misspelled defaul_backend, without updating a proxy', async () => {
    const before = await proxyIdentity();

    await story.docker(`service update --label-rm com.docker.lb.default_backend
      --label-add com.docker.lb.defaul_backend=true demo-default`);

    const label = 'com.docker.lb.defaul_backend';
    await eventually(async () => {
      const service = await story.docker('service inspect demo-default');
      expect(service).toContain(label);
      expect(await whoAnswers('other.local')).toBe('demo-default');
    });
    expect(await problemsOf('demo-default')).toEqual([]);
    expect(await proxyIdentity()).toEqual(before);
  });

  it('I2: reaches an application on port 80', async () => {
    expect(await whoAnswers('httpd.local')).toBe('hosts-httpd');
  });

  it.each([
    ['a.wild.local', 'hosts-exact'],
    ['upper.local', 'hosts-exact'],
    ['UPPER.local', 'hosts-exact'],
    ['upper.local:8080', 'hosts-exact'],
    ['xn--bcher-kva.local', 'hosts-exact'],
    ['b.wild.local', 'hosts-wildcard'],
    ['c.b.wild.local', 'hosts-wildcard'],
    ['v42.regex.local', 'hosts-regex'],
    ['v.regex.local', 'demo-default'],
    ['wild.local', 'demo-default'],
  ])('I3: %s is answered by %s', async (host, service) => {
    expect(await whoAnswers(host)).toBe(service);
  });

  it('gives one service several routes with numbered labels, each with its own port', async () => {
    expect(await whoAnswers('first.local')).toBe('hosts-numbered');
    expect(await whoAnswers('second.local')).toBe('hosts-numbered');
    expect((await echo('first.local', '/echo')).httpVersion).toBe('1.1');
    expect((await echo('second.local', '/echo')).httpVersion).toBe('2.0');
  });

  it('accepts labels of the HTTP Routing Mesh, and reports the current ones', async () => {
    expect(await whoAnswers('hrm.local')).toBe('hosts-hrm');
    expect(await whoAnswers('short.local')).toBe('hosts-short');
    expect(await problemsOf('hosts-hrm')).toEqual([
      expect.objectContaining({
        severity: 'notice',
        label: 'com.docker.ucp.mesh.http.1',
        remedy: 'Replace it with: com.docker.lb.hosts=hrm.local com.docker.lb.port=8080',
      }),
    ]);
  });
});
