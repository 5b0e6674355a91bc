import { describe, expect, it } from 'vitest';
import { ignoredLabels, routingContainerLabels } from '../../../src/model/labels/ignored-labels.ts';
import { labels } from '../../../src/model/labels/labels.ts';
import { meantLabel } from '../../../src/model/labels/near-miss.ts';
import { aService } from '../../support/builders.ts';

describe('a near miss', () => {
  it.each([
    ['com.docker.network', 'network'],
    ['com.docker.hosts', 'hosts'],
    ['com.docker.port', 'port'],
    ['com.docker.ports', 'port'],
    ['com.docker.ssl_cert', 'ssl_cert'],
    ['com.docker.context_root', 'context_root'],
    ['com.docker.ld.hosts', 'hosts'],
    ['com.docker.bl.hosts', 'hosts'],
    ['com.docker.ib.network', 'network'],
    ['com.docker.1b.port', 'port'],
    ['com.docker.l.port', 'port'],
    ['com.docker.lbs.port', 'port'],
    ['com.docker.lb', 'hosts'],
    ['com.docker.lb_hosts', 'hosts'],
    ['com.docker.lb-hosts', 'hosts'],
    ['com.docker.lb:hosts', 'hosts'],
    ['com.docker.lbhosts', 'hosts'],
    ['com.dockerlb.hosts', 'hosts'],
    ['com-docker-lb-context-root', 'context_root'],
    ['com.docker..lb.hosts', 'hosts'],
    ['com.dokcer.lb.hosts', 'hosts'],
    ['con.docker.lb.hosts', 'hosts'],
    ['docker.lb.hosts', 'hosts'],
    ['com.lb.hosts', 'hosts'],
    ['COM.DOCKER.LB.HOSTS', 'hosts'],
    ['com.docker.LB.ssl_cert', 'ssl_cert'],
    [' com.docker.lb.hosts', 'hosts'],
    ['com.docker.ld.hots', 'hosts'],
    ['com.docker.ld.defaul_backend', 'default_backend'],
    ['com.docker.ld.2.hosts', '2.hosts'],
    ['com.docker.2.port', '2.port'],
    ['com.docker.lb2.port', '2.port'],
    ['com.docker.lb_2_port', '2.port'],
  ])('%j means %s', (label, name) => {
    expect(meantLabel(label)).toBe(`com.docker.lb.${name}`);
  });

  it.each([
    ...Object.keys(labels).map((name) => `com.docker.lb.${name}`),
    'com.docker.lb.hsots',
    'com.docker.lb.2.port',
    'com.docker.compose.project',
    'com.docker.compose.network',
    'com.docker.stack.namespace',
    'com.docker.stack.image',
    'com.docker.ucp.mesh.http',
    'com.docker.ucp.access.label',
    'com.docker.interlock.hosts',
    'com.docker.interlock.ext',
    'com.docker.swarm.service.name',
    'com.docker.swarm.port',
    'com.docker.service.port',
    'com.docker.network.bridge.name',
    'com.docker.desktop.extension.icon',
    'com.docker.volume.anonymous',
    'traefik.enable',
    'traefik.docker.network',
    'traefik.http.services.app.loadbalancer.server.port',
    'org.opencontainers.image.source',
    'org.label-schema.name',
    'com.example.hosts',
    'com.example.port',
    'com.example.network',
    'com.signalbox.role',
    'interlock.hostname',
    'com.docker.image',
    'com.docker.team',
    'hosts',
    'port',
    '',
    '__proto__',
    `com.docker.${'x'.repeat(10_000)}`,
  ])('%j has no match', (label) => {
    expect(meantLabel(label)).toBeUndefined();
  });
});

describe('a label without effect', () => {
  const bare = { ...aService('app'), labels: { 'com.docker.stack.namespace': 'demo' } };

  it('is reported with a suggestion', () => {
    expect(ignoredLabels({ ...bare, labels: { 'com.docker.ld.hosts': 'a' } })).toEqual([
      {
        id: 'label-unknown',
        severity: 'warning',
        service: 'app',
        label: 'com.docker.ld.hosts',
        value: 'a',
        reason: 'is an unknown label',
        remedy: 'Did you mean com.docker.lb.hosts?',
      },
    ]);
  });

  it('is reported on the containers', () => {
    const containerLabels = {
      'com.docker.stack.namespace': 'demo',
      'com.docker.lb.hosts': 'a',
      'com.docker.ucp.mesh.http': 'b',
      'com.docker.network': 'c',
    };

    expect(ignoredLabels({ ...bare, containerLabels })).toMatchObject([
      { severity: 'error', label: 'com.docker.lb.hosts', reason: 'is set on the containers, where it has no effect' },
      { severity: 'error', label: 'com.docker.ucp.mesh.http' },
      {
        severity: 'warning',
        label: 'com.docker.network',
        remedy: expect.stringMatching(/^Did you mean com\.docker\.lb\.network\? Set it on the service/),
      },
    ]);
  });

  it('is not reported if the service has the right one', () => {
    const service = aService('app', {
      lb: { network: 'app' },
      labels: { 'com.docker.network': 'app' },
      containerLabels: { 'com.docker.lb.hosts': 'a', 'com.docker.network': 'app' },
    });

    expect(ignoredLabels(service)).toEqual([]);
  });

  it('is not reported if it is empty', () => {
    const empty = { 'com.docker.network': ' ', 'com.docker.lb.hosts': '' };

    expect(ignoredLabels({ ...bare, labels: empty, containerLabels: empty })).toEqual([]);
  });

  it('is reported in limited length', () => {
    const containerLabels = { [`com.docker.lb.${'x'.repeat(10_000)}`]: 'y'.repeat(10_000) };

    expect(JSON.stringify(ignoredLabels({ ...bare, containerLabels })).length).toBeLessThan(1000);
  });

  it('is all that is kept of container labels', () => {
    const all = { 'com.docker.stack.namespace': 'demo', 'org.example.a': 'b' };

    expect(routingContainerLabels(all)).toBeUndefined();
    expect(routingContainerLabels({ ...all, 'com.docker.lb.port': '80' })).toEqual({ 'com.docker.lb.port': '80' });
  });
});
