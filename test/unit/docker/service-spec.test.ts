import { describe, expect, it } from 'vitest';
import { toServiceSpec } from '../../../src/docker/service-spec.ts';
import { desiredProxy } from '../../../src/model/owned-service.ts';
import { parseSettings } from '../../../src/model/settings.ts';

function desired(extension: object = {}, version = 'aaaaaaaaaaaaaaaa') {
  const { settings } = parseSettings({ Extensions: { default: extension } }, '1');
  const configs = [{ id: `id-${version}`, name: version, target: '/etc/nginx/nginx.conf' }];
  return desiredProxy(settings.clusters[0]!, [], { version, configs, secrets: [], networkIds: ['net1'] });
}

/** As the Engine would give it back. */
// biome-ignore lint/suspicious/noExplicitAny: the Engine's open-ended JSON.
const spec = (...args: Parameters<typeof toServiceSpec>): any => structuredClone(toServiceSpec(...args));

describe('the specification of a proxy service', () => {
  it('gives a container as little as possible', () => {
    expect(spec(desired(), 's').TaskTemplate.ContainerSpec).toMatchObject({
      User: '101:101',
      ReadOnly: true,
      CapabilityDrop: ['ALL'],
      StopSignal: 'SIGQUIT',
      Healthcheck: { Test: ['CMD-SHELL', expect.stringContaining('aaaaaaaaaaaaaaaa')] },
    });
  });

  it('rolls one at a time and back on failure, in the order that the ports allow', () => {
    expect(spec(desired(), 's').UpdateConfig).toMatchObject({
      Parallelism: 1,
      FailureAction: 'rollback',
      Order: 'start-first',
    });
    expect(spec(desired({ PublishMode: 'host' }), 's').UpdateConfig).toMatchObject({ Order: 'stop-first' });
  });

  it('leaves alone what an administrator changed by hand', () => {
    const present = spec(desired(), 's');
    present.TaskTemplate.Resources = { Limits: { MemoryBytes: 1 } };
    present.TaskTemplate.Placement.Constraints = ['node.labels.nodetype==loadbalancer'];
    present.TaskTemplate.ContainerSpec.Mounts.push({ Type: 'bind', Source: '/a', Target: '/a' });
    present.TaskTemplate.ContainerSpec.Env.push('LANG=C');
    present.UpdateConfig.Parallelism = 2;
    present.Mode.Replicated.Replicas = 5;

    const next = spec(desired({}, 'bbbbbbbbbbbbbbbb'), 't', present);

    expect(next.TaskTemplate.Resources).toEqual({ Limits: { MemoryBytes: 1 } });
    expect(next.TaskTemplate.Placement.Constraints).toEqual(['node.labels.nodetype==loadbalancer']);
    expect(next.TaskTemplate.ContainerSpec.Mounts).toHaveLength(3);
    expect(next.TaskTemplate.ContainerSpec.Mounts).toContainEqual({ Type: 'bind', Source: '/a', Target: '/a' });
    expect(next.TaskTemplate.ContainerSpec.Env).toContain('LANG=C');
    expect(next.TaskTemplate.ContainerSpec.Env.filter((one: string) => one.startsWith('SIGNALBOX_BOOT='))).toEqual([
      'SIGNALBOX_BOOT=bbbbbbbbbbbbbbbb',
    ]);
    expect(next).toMatchObject({ UpdateConfig: { Parallelism: 2 }, Mode: { Replicated: { Replicas: 5 } } });
    expect(next.TaskTemplate.ContainerSpec.Configs).toMatchObject([{ ConfigID: 'id-bbbbbbbbbbbbbbbb' }]);
  });

  it('writes what the settings say anew, over a manual change as well', () => {
    const present = spec(desired(), 's');
    present.Mode.Replicated.Replicas = 5;

    expect(spec(desired({ ProxyReplicas: 3 }), 't', present).Mode.Replicated.Replicas).toBe(3);
  });
});
