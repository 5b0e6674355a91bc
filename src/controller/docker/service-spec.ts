import type { ServiceSpec } from 'dockerode';
import { z } from 'zod';
import { digest } from '../../lib/digest.ts';
import {
  appliedLabel,
  rejectedLabel,
  rejectionLabels,
  specLabel,
  spreadLabel,
  versionsFolder,
} from '../../model/names.ts';
import type { DesiredService, HealthCheck, MountedObject } from '../../model/own-services/owned-service.ts';
import { variables } from '../../model/own-services/variables.ts';

/** The part of the Engine's service specification that is written here. dockerode's type is incomplete. */
// biome-ignore lint/suspicious/noExplicitAny: the Engine's open-ended JSON; values read from it are validated with zod.
type Json = Record<string, any>;

const NS_PER_MS = 1_000_000;
/** The unprivileged user of the official images and owner of their mounts. */
const UNPRIVILEGED_USER = '101:101';

interface Field {
  readonly name: string;
  readonly value: (desired: DesiredService<string>) => unknown;
  readonly write: (spec: Json, value: never) => void;
}

const field = <T>(
  name: string,
  value: (desired: DesiredService<string>) => T,
  write: (spec: Json, value: T) => void,
): Field => ({
  name,
  value,
  write: write as Field['write'],
});

/**
 * Fields that an administrator may change manually (`docker service update --replicas …`). Each is written only if its setting has changed
 * since it was last written.
 */
const adjustable: readonly Field[] = [
  field(
    'image',
    ({ image }) => image,
    (spec, value) => {
      spec.TaskTemplate.ContainerSpec.Image = value;
    },
  ),
  field(
    'args',
    ({ args }) => args,
    (spec, value) => {
      spec.TaskTemplate.ContainerSpec.Args = value;
    },
  ),
  field(
    'replicas',
    ({ replicas }) => replicas,
    (spec, value) => {
      spec.Mode = value === 'global' ? { Global: {} } : { Replicated: { Replicas: value } };
      // Keeps the number of replicas to return to.
      delete spec.Labels?.[spreadLabel];
    },
  ),
  field(
    'placement',
    ({ constraints, preferences }) => ({ constraints, preferences }),
    (spec, value) => {
      spec.TaskTemplate.Placement = {
        Constraints: value.constraints,
        Preferences: value.preferences.map(toPreference),
      };
    },
  ),
  field(
    'stop',
    ({ stopSignal, stopGracePeriodMs }) => ({ stopSignal, stopGracePeriodMs }),
    (spec, value) => {
      spec.TaskTemplate.ContainerSpec.StopSignal = value.stopSignal;
      spec.TaskTemplate.ContainerSpec.StopGracePeriod = value.stopGracePeriodMs * NS_PER_MS;
    },
  ),
  field(
    'update',
    ({ updateDelayMs, updateOrder }) => ({ updateDelayMs, updateOrder }),
    (spec, value) => {
      spec.UpdateConfig = {
        Parallelism: 1,
        Delay: value.updateDelayMs * NS_PER_MS,
        FailureAction: 'rollback',
        Monitor: 3000 * NS_PER_MS,
        MaxFailureRatio: 0,
        Order: value.updateOrder,
      };
      spec.RollbackConfig = {
        Parallelism: 1,
        FailureAction: 'pause',
        Monitor: 3000 * NS_PER_MS,
        Order: value.updateOrder,
      };
    },
  ),
  field(
    'limits',
    ({ limits }) => limits,
    (spec, value) => {
      const { Resources } = spec.TaskTemplate;
      const { MemoryBytes, Pids, ...others } = Resources?.Limits ?? {};
      spec.TaskTemplate.Resources = { ...Resources, Limits: { ...others, ...toLimits(value) } };
    },
  ),
  field(
    'ports',
    // Also set without ports: agents use the extension's virtual address if network aliases take over its names.
    ({ ports }) => (ports.length > 0 ? ports : 'vip'),
    (spec, value) => {
      const ports = value === 'vip' ? [] : value;
      spec.EndpointSpec = {
        Mode: 'vip',
        Ports: ports.map(({ published, target, mode, protocol = 'tcp' }) => ({
          Protocol: protocol,
          PublishedPort: published,
          TargetPort: target,
          PublishMode: mode,
        })),
      };
    },
  ),
];

/** The specification also stores a limit of zero as no limit. */
function toLimits({ memoryBytes, pids }: DesiredService['limits']) {
  return { ...(memoryBytes > 0 ? { MemoryBytes: memoryBytes } : {}), ...(pids > 0 ? { Pids: pids } : {}) };
}

function toPreference(preference: string) {
  return { Spread: { SpreadDescriptor: preference.replace(/^spread=/, '') } };
}

/** The specification to send: complete for a new service, the current one with changed fields for an existing service. */
export function toServiceSpec(desired: DesiredService<string>, spec: string, present?: unknown): ServiceSpec {
  const next: Json = structuredClone((present as Json | undefined) ?? { TaskTemplate: { ContainerSpec: {} } });
  const applied = readApplied(next.Labels?.[appliedLabel]);
  const digests = Object.fromEntries(
    adjustable.map(({ name, value }) => [name, digest(JSON.stringify(value(desired)))]),
  );
  for (const { name, value, write } of adjustable) {
    if (name === 'limits' && applied[name] === undefined && isLimited(next)) continue;
    if (applied[name] !== digests[name]) write(next, value(desired) as never);
  }
  writeEssentials(next, desired);
  const container = next.TaskTemplate.ContainerSpec;
  container.Labels = replaceLabels(container.Labels, applied.containerLabels, desired.containerLabels);
  const names = { labels: nameList(desired.labels), containerLabels: nameList(desired.containerLabels) };
  next.Name = desired.name;
  next.Labels = {
    ...replaceLabels(next.Labels, applied.labels, desired.labels),
    [specLabel]: spec,
    [appliedLabel]: JSON.stringify({ ...digests, ...names }),
  };
  // A retried version stays marked as rolled back until it succeeds.
  if (next.Labels[rejectedLabel] !== spec) for (const label of rejectionLabels) delete next.Labels[label];
  return next as ServiceSpec;
}

/** Limits set manually: earlier releases set none. */
function isLimited({ TaskTemplate }: Json): boolean {
  const { MemoryBytes, Pids } = TaskTemplate.Resources?.Limits ?? {};
  return MemoryBytes > 0 || Pids > 0;
}

type Labels = Readonly<Record<string, string>>;

/** Labels of others are kept; Signalbox's labels are removed once unused. */
function replaceLabels(present: Labels | undefined, applied: string | undefined, wanted: Labels): Labels {
  const ours = applied?.split('\n') ?? [];
  const others = Object.entries(present ?? {}).filter(([name]) => !ours.includes(name));
  return { ...Object.fromEntries(others), ...wanted };
}

function nameList(labels: Labels): string {
  return Object.keys(labels).toSorted().join('\n');
}

/** Required for function or security, so always written. */
function writeEssentials(spec: Json, desired: DesiredService<string>): void {
  const container = spec.TaskTemplate.ContainerSpec;
  container.User ??= UNPRIVILEGED_USER;
  container.ReadOnly = true;
  container.CapabilityDrop = ['ALL'];
  // Engines before 25 ignore it and rely on dropped capabilities and images without setuid files.
  container.Privileges = { ...container.Privileges, NoNewPrivileges: true };
  container.Init = desired.init;
  container.Env = withEnv(container.Env ?? [], desired.env);
  container.Mounts = withMounts(container.Mounts ?? [], desired);
  container.Configs = desired.configs.map((config) => ({
    ConfigID: config.id,
    ConfigName: config.name,
    File: toFile(config, '0', 0o444),
  }));
  // Readable only by the container's unprivileged user.
  container.Secrets = desired.secrets.map((secret) => ({
    SecretID: secret.id,
    SecretName: secret.name,
    File: toFile(secret, '101', 0o400),
  }));
  container.Healthcheck = desired.isJob ? { Test: ['NONE'] } : toHealthcheck(desired.health);
  spec.TaskTemplate.Networks = desired.networkIds.map((id) => ({ Target: id }));
  spec.TaskTemplate.RestartPolicy ??= desired.isJob
    ? { Condition: 'none' }
    : { Condition: 'any', Delay: 1000 * NS_PER_MS };
}

function withMounts(mounts: readonly Json[], { volumes, tmpfs }: DesiredService<string>): Json[] {
  const others = mounts.filter(({ Target }) => Target !== versionsFolder && !/^\/tmp(\/client-body)?$/.test(Target));
  const stored = Object.entries(volumes).map(([target, name]) => ({ Type: 'volume', Source: name, Target: target }));
  const inMemory = Object.entries(tmpfs).map(([target, size]) => ({
    Type: 'tmpfs',
    Target: target,
    TmpfsOptions: { Mode: 0o1777, SizeBytes: size },
  }));
  return [...others, ...stored, ...inMemory];
}

/** Keeps variables that were added manually. */
function withEnv(present: readonly string[], wanted: DesiredService['env']): string[] {
  const others = present.filter((variable) => !ownVariables.has(variable.split('=', 1)[0]!));
  return [...others, ...Object.entries(wanted).map(([name, value]) => `${name}=${value}`)];
}

const ownVariables: ReadonlySet<string> = new Set(Object.values(variables));

function toFile({ target }: MountedObject, owner: string, mode: number) {
  return { Name: target, UID: owner, GID: owner, Mode: mode };
}

function toHealthcheck({ command, intervalMs, timeoutMs }: HealthCheck) {
  return {
    // Defaults to the image's health check.
    ...(command === undefined ? {} : { Test: ['CMD-SHELL', command] }),
    // Checked frequently during startup for a fast roll-out. Engines before 25 ignore StartInterval.
    StartPeriod: 20_000 * NS_PER_MS,
    StartInterval: 300 * NS_PER_MS,
    Interval: intervalMs * NS_PER_MS,
    Timeout: timeoutMs * NS_PER_MS,
    Retries: 3,
  };
}

const Applied = z.record(z.string(), z.string());

function readApplied(label: string | undefined): Record<string, string> {
  try {
    return Applied.parse(JSON.parse(label ?? '{}'));
  } catch {
    // The label was edited manually. Its content is unknown, so every field is written.
    return {};
  }
}
