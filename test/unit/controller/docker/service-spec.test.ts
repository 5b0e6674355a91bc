import { describe, expect, it } from 'vitest';
import { toServiceSpec } from '../../../../src/controller/docker/service-spec.ts';
import { appliedLabel, spreadLabel } from '../../../../src/model/names.ts';
import { desiredExtension, desiredProxy } from '../../../../src/model/own-services/owned-service.ts';
import { parseSettings } from '../../../../src/model/settings/settings.ts';

function desired(extension: object = {}, version = 'aaaaaaaaaaaaaaaa') {
  const { settings } = parseSettings({ Extensions: { default: extension } }, '1');
  const configs = [{ id: `id-${version}`, name: version, target: '/etc/nginx/nginx.conf' }];
  return desiredProxy(settings.clusters[0]!, [], { version, configs, secrets: [], networkIds: ['net1'] });
}

/** As the Engine would return it. */
// biome-ignore lint/suspicious/noExplicitAny: the Engine's open-ended JSON.
const spec = (...args: Parameters<typeof toServiceSpec>): any => structuredClone(toServiceSpec(...args));

describe('the address of the extension', () => {
  const cluster = parseSettings({}, '1').settings.clusters[0]!;
  const attachments = { version: 'aaaaaaaaaaaaaaaa', configs: [], secrets: [], networkIds: ['net1'] };
  const environment = (extensionAddress?: string, present?: unknown) =>
    spec(desiredProxy(cluster, [], { ...attachments, extensionAddress }), 's', present).TaskTemplate.ContainerSpec.Env;

  it('is virtual, although the extension publishes no port', () => {
    const extension = desiredExtension(cluster, [], 'signalbox', { id: 'secret', name: 'secret' });

    expect(spec(extension, 's').EndpointSpec).toEqual({ Mode: 'vip', Ports: [] });
  });

  it('is passed to the agents, and removed if it is unknown', () => {
    expect(environment('10.0.1.7')).toContain('SIGNALBOX_EXTENSION_ADDRESS=10.0.1.7');

    const present = spec(desiredProxy(cluster, [], { ...attachments, extensionAddress: '10.0.1.7' }), 's');
    expect(environment('10.0.1.8', present).join()).not.toContain('10.0.1.7');
    expect(environment(undefined, present).join()).not.toContain('EXTENSION_ADDRESS');
  });
});

describe('the number of replicas', () => {
  const spreading = () => {
    const present = spec(desired({ ProxyReplicas: 2 }), 's');
    present.Mode.Replicated.Replicas = 3;
    present.Labels[spreadLabel] = '{"replicas":2}';
    return present;
  };

  it('does not change while replicas are being spread, if other settings change', () => {
    const next = spec(desired({ ProxyReplicas: 2 }, 'bbbbbbbbbbbbbbbb'), 's', spreading());

    expect(next.Mode.Replicated.Replicas).toBe(3);
    expect(next.Labels).toHaveProperty([spreadLabel], '{"replicas":2}');
  });

  it('in new settings is not mistaken for a replica that is being spread', () => {
    const next = spec(desired({ ProxyReplicas: 3 }), 's', spreading());

    expect(next.Mode.Replicated.Replicas).toBe(3);
    expect(next.Labels).not.toHaveProperty([spreadLabel]);
  });
});

describe('the health check', () => {
  const cluster = parseSettings({}, '1').settings.clusters[0]!;
  const ofExtension = desiredExtension(cluster, [], 'signalbox', { id: 'secret', name: 'secret' });
  const second = 1_000_000_000;

  it('of an extension is that of its image, and starts immediately', () => {
    const { Healthcheck } = spec(ofExtension, 's').TaskTemplate.ContainerSpec;

    expect(Healthcheck).not.toHaveProperty('Test');
    expect(Healthcheck.StartInterval).toBeLessThan(second);
    expect(Healthcheck.StartPeriod).toBeGreaterThanOrEqual(10 * second);
    // On engines that ignore StartInterval.
    expect(Healthcheck.Interval).toBeLessThanOrEqual(5 * second);
  });

  it('of a proxy queries nginx', () => {
    const { Healthcheck } = spec(desired(), 's').TaskTemplate.ContainerSpec;

    expect(Healthcheck).toMatchObject({ Test: ['CMD-SHELL', expect.any(String)], Interval: 3 * second });
  });
});

describe('the specification of a proxy service', () => {
  it('gives a container the least privileges', () => {
    expect(spec(desired(), 's').TaskTemplate.ContainerSpec).toMatchObject({
      User: '101:101',
      ReadOnly: true,
      CapabilityDrop: ['ALL'],
      Privileges: { NoNewPrivileges: true },
      StopSignal: 'SIGQUIT',
      Healthcheck: { Test: ['CMD-SHELL', expect.stringContaining('aaaaaaaaaaaaaaaa')] },
    });
  });

  it('updates one replica at a time and rolls back on failure, in the order that the ports allow', () => {
    expect(spec(desired(), 's').UpdateConfig).toMatchObject({
      Parallelism: 1,
      FailureAction: 'rollback',
      Order: 'start-first',
    });
    expect(spec(desired({ PublishMode: 'host' }), 's').UpdateConfig).toMatchObject({ Order: 'stop-first' });
  });

  it('keeps what an administrator changed by hand', () => {
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
    expect(next.TaskTemplate.ContainerSpec.Mounts).toHaveLength(4);
    expect(next.TaskTemplate.ContainerSpec.Mounts).toContainEqual({ Type: 'bind', Source: '/a', Target: '/a' });
    expect(next.TaskTemplate.ContainerSpec.Env).toContain('LANG=C');
    expect(next.TaskTemplate.ContainerSpec.Env.filter((one: string) => one.startsWith('SIGNALBOX_BOOT='))).toEqual([
      'SIGNALBOX_BOOT=bbbbbbbbbbbbbbbb',
    ]);
    expect(next).toMatchObject({ UpdateConfig: { Parallelism: 2 }, Mode: { Replicated: { Replicas: 5 } } });
    expect(next.TaskTemplate.ContainerSpec.Configs).toMatchObject([{ ConfigID: 'id-bbbbbbbbbbbbbbbb' }]);
  });

  it('limits memory and processes as the settings say, or not at all', () => {
    const { TaskTemplate } = spec(desired(), 's');
    expect(TaskTemplate.Resources).toEqual({ Limits: { MemoryBytes: 16 * 2 ** 30, Pids: 16_384 } });

    const unlimited = desired({ ProxyMemoryLimit: '0', ProxyPidsLimit: 0 });
    expect(spec(unlimited, 't', { TaskTemplate, Labels: spec(desired(), 's').Labels }).TaskTemplate.Resources).toEqual({
      Limits: {},
    });
    const extension = parseSettings({ Extensions: { default: { MemoryLimit: '512m' } } }, '1').settings.clusters[0]!;
    const { limits } = desiredExtension(extension, [], 'signalbox', { id: 'secret', name: 'secret' });
    expect(limits).toEqual({ memoryBytes: 512 * 2 ** 20, pids: 1024 });
  });

  it('keeps limits that an administrator set by hand before there was a setting', () => {
    const present = spec(desired(), 's');
    const { limits: _, ...applied } = JSON.parse(present.Labels[appliedLabel]);
    present.Labels[appliedLabel] = JSON.stringify(applied);
    present.TaskTemplate.Resources = { Limits: { MemoryBytes: 300 * 2 ** 20 }, Reservations: { MemoryBytes: 1 } };

    const next = spec(desired(), 't', present);
    expect(next.TaskTemplate.Resources).toEqual(present.TaskTemplate.Resources);
    const changed = spec(desired({ ProxyMemoryLimit: '1g' }), 'u', next).TaskTemplate.Resources;
    expect(changed).toMatchObject({ Limits: { MemoryBytes: 2 ** 30 }, Reservations: { MemoryBytes: 1 } });
  });

  it('applies changed settings, also over a manual change', () => {
    const present = spec(desired(), 's');
    present.Mode.Replicated.Replicas = 5;

    expect(spec(desired({ ProxyReplicas: 3 }), 't', present).Mode.Replicated.Replicas).toBe(3);
  });
});
