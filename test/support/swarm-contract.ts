import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ConflictError, type Swarm } from '../../src/controller/ports.ts';
import { clusterLabel, rejectedLabel, roleLabel, specLabel } from '../../src/model/names.ts';
import type { DesiredService, MountedObject } from '../../src/model/own-services/owned-service.ts';
import { specDigest } from '../../src/model/own-services/spec-digest.ts';
import type { OwnedService } from '../../src/model/snapshot.ts';
import type { Spec } from './fake-service.ts';

/** A swarm behind the port, and a test's actions on it from outside. */
export interface ContractWorld {
  readonly swarm: Swarm;
  /** Prefix of all names that the contract creates, and the name of its cluster. */
  readonly run: string;
  /** An image that runs, and one that never does. */
  readonly image: string;
  readonly brokenImage: string;
  /** Resolves to the id. */
  createNetwork(name: string): Promise<string>;
  removeNetwork(id: string): Promise<void>;
  /** `docker service update`, by hand. */
  amend(service: string, change: (spec: Spec) => void): Promise<void>;
  specOf(service: string): Promise<Spec>;
  /** Waits until tasks run and no roll-out or roll-back is in progress. */
  settle(service: string): Promise<void>;
  close(): Promise<void>;
}

/** The controller's assumptions about a swarm, real or fake. */
export function describeSwarm(title: string, open: () => Promise<ContractWorld>): void {
  describe(title, () => {
    const opened = Promise.withResolvers<ContractWorld>();
    beforeAll(async () => opened.resolve(await open()));
    afterAll(async () => {
      const world = await opened.promise;
      await new Contract(world).cleanUp();
      await world.close();
    });
    const contract = async (name: string) => new Contract(await opened.promise, name);

    it('returns created objects unchanged', async () => {
      const own = await contract('made');
      const network = await own.world.createNetwork(own.name);
      const { config, desired } = await own.createService({ networkIds: [network] });

      const { configs, secrets, networks, nodes } = await own.world.swarm.observe();

      expect(await own.service()).toMatchObject({
        name: own.name,
        role: 'proxy',
        cluster: own.world.run,
        labels: { ...desired.labels, [specLabel]: specDigest(desired) },
        networkIds: [network],
        configIds: [config.id],
        secretIds: [desired.secrets[0]!.id],
        image: own.world.image,
        rollout: { kind: 'settled' },
      });
      const labels = { [clusterLabel]: own.world.run, note: 'a note' };
      expect(configs.find(({ id }) => id === config.id)).toMatchObject({ name: config.name, labels });
      expect(secrets.find(({ id }) => id === desired.secrets[0]!.id)).toMatchObject({ name: own.name, labels });
      expect(networks.find(({ id }) => id === network)).toMatchObject({ name: own.name, driver: 'overlay' });
      expect(nodes.map(({ role }) => role)).toContain('manager');
    });

    it('returns the content of a config', async () => {
      const own = await contract('content');

      const { id } = await own.createConfig('1', 'línea\n"$quoted"\n');

      expect(await own.world.swarm.readConfig(id)).toBe('línea\n"$quoted"\n');
    });

    it('rejects a name that exists', async () => {
      const own = await contract('twice');
      const { desired } = await own.createService();

      const again = { name: own.name, labels: {}, data: 'other' };
      await expect(own.world.swarm.createSecret(again)).rejects.toThrow(ConflictError);
      await expect(own.createConfig('1')).rejects.toThrow(ConflictError);
      await expect(own.world.swarm.createService(desired)).rejects.toThrow(ConflictError);
    });

    it('ignores the removal of an object that does not exist', async () => {
      const own = await contract('gone');
      const { config, desired } = await own.createService();
      const { id } = await own.service();

      for (let times = 0; times < 2; times++) {
        await own.world.swarm.removeService(id);
        await own.world.swarm.removeConfig(config.id);
        await own.world.swarm.removeSecret(desired.secrets[0]!.id);
      }

      const { owned, configs, secrets } = await own.world.swarm.observe();
      expect([...owned, ...configs, ...secrets].filter(({ name }) => name.startsWith(own.name))).toEqual([]);
      await expect(own.world.swarm.tasks(id)).rejects.toThrow(ConflictError);
    });

    it('refuses to remove what a service uses', async () => {
      const own = await contract('used');
      const network = await own.world.createNetwork(own.name);
      const { config, desired } = await own.createService({ networkIds: [network] });

      await expect(own.world.swarm.removeConfig(config.id)).rejects.toThrow('in use');
      await expect(own.world.swarm.removeSecret(desired.secrets[0]!.id)).rejects.toThrow('in use');
      await expect(own.world.removeNetwork(network)).rejects.toThrow('in use');
    });

    it('rejects a service that refers to missing objects', async () => {
      const own = await contract('nothing');
      const missing = { id: 'nothing', name: own.name, target: '/etc/nothing' };

      for (const refer of [{ networkIds: ['nothing'] }, { configs: [missing] }, { secrets: [missing] }])
        await expect(own.world.swarm.createService(own.desired(refer))).rejects.toThrow('not found');
    });

    it('rejects a write to a service that has changed since it was observed, or is gone', async () => {
      const own = await contract('moved');
      const { desired } = await own.createService();
      const { swarm } = own.world;
      const stale = await own.service();
      await swarm.labelService(stale, { first: 'yes' });

      await expect(swarm.labelService(stale, { second: 'yes' })).rejects.toThrow(ConflictError);
      await expect(swarm.updateService(stale, { ...desired, replicas: 2 })).rejects.toThrow(ConflictError);

      const { id, labels, index } = await own.service();
      expect(labels).toMatchObject({ first: 'yes' });
      expect(labels).not.toHaveProperty('second');
      expect(labels[specLabel]).toBe(specDigest(desired));
      expect(index).toBeGreaterThan(stale.index);
      await swarm.removeService(id);
      await expect(swarm.labelService(stale, { third: 'yes' })).rejects.toThrow(ConflictError);
    });

    it('replaces no task for a label change', async () => {
      const own = await contract('labels');
      await own.createService();
      await own.world.settle(own.name);
      const before = await own.tasks();

      await own.world.swarm.labelService(await own.service(), { note: 'changed' });

      expect(await own.service()).toMatchObject({ labels: { note: 'changed' }, rollout: { kind: 'settled' } });
      expect(await own.tasks()).toEqual(before);
    });

    it('runs a global service once on each node, and cannot change its mode', async () => {
      const own = await contract('global');
      const { desired } = await own.createService({ replicas: 'global' });
      await own.world.settle(own.name);

      expect((await own.service()).replicas).toBeUndefined();
      const nodes = (await own.tasks()).map(({ nodeId }) => nodeId);
      expect(nodes.length).toBeGreaterThan(1);
      expect(new Set(nodes).size).toBe(nodes.length);
      const update = own.world.swarm.updateService(await own.service(), { ...desired, replicas: 1 });
      await expect(update).rejects.toThrow('mode change');
    });

    it('replaces no task when the service is scaled', async () => {
      const own = await contract('scaled');
      await own.createService();
      await own.world.settle(own.name);
      const [first] = await own.tasks();
      const { swarm } = own.world;

      await swarm.scaleService(await own.service(), 2, { note: 'two' });
      expect(await own.service()).toMatchObject({ replicas: 2, labels: { note: 'two' }, rollout: { kind: 'settled' } });
      await own.world.settle(own.name);
      expect(await own.tasks()).toContainEqual(first);

      const stale = await own.service();
      await swarm.scaleService(stale, 1, {});
      expect(await own.service()).toMatchObject({ replicas: 1, labels: { note: 'two' } });
      await expect(swarm.scaleService(stale, 3, {})).rejects.toThrow(ConflictError);
    });

    it('replaces tasks for a new configuration, and reports the update', async () => {
      const own = await contract('config');
      const { desired, config } = await own.createService();
      await own.world.settle(own.name);
      const [old] = await own.tasks();
      const next = await own.createConfig('2');
      const changed = { ...desired, configs: [next] };

      await own.world.swarm.updateService(await own.service(), changed);
      expect(await own.service()).toMatchObject({
        labels: { [specLabel]: specDigest(changed) },
        configIds: [next.id],
        previousConfigIds: [config.id],
      });
      await own.world.settle(own.name);

      expect((await own.service()).rollout).toEqual({ kind: 'settled' });
      const [newest] = await own.tasks();
      expect(newest).toMatchObject({ state: 'running', desiredState: 'running', configIds: [next.id] });
      expect(newest!.createdAt > old!.createdAt).toBe(true);
    });

    it('restores the complete specification when a replica does not start, until it is written again', async () => {
      const own = await contract('broken');
      const { desired } = await own.createService();
      await own.world.settle(own.name);
      const { swarm, brokenImage } = own.world;
      const broken = { ...desired, image: brokenImage, labels: { ...desired.labels, note: 'broken' } };

      await swarm.updateService(await own.service(), broken);
      await own.world.settle(own.name);

      const rolledBack = await own.service();
      expect(rolledBack).toMatchObject({
        image: own.world.image,
        labels: { note: 'a note', [specLabel]: specDigest(desired) },
        rollout: { kind: 'rolled-back', message: expect.stringMatching(/roll(ed|back)/) },
      });
      const tasks = await swarm.tasks(rolledBack.id);
      expect(tasks.find(({ error }) => error !== undefined)).toMatchObject({
        state: expect.stringMatching(/failed|rejected/),
        error: expect.stringContaining('No such image'),
      });

      await swarm.labelService(rolledBack, { [rejectedLabel]: 'yes' });
      expect(await own.service()).toMatchObject({ rollout: { kind: 'settled' }, labels: { [rejectedLabel]: 'yes' } });
    });

    it('remembers how tasks ended, and tells their specifications apart', async () => {
      const own = await contract('ended');
      const { desired } = await own.createService();
      await own.world.settle(own.name);
      const { swarm, brokenImage } = own.world;
      const { id } = await own.service();
      const [first] = await swarm.serviceTasks([id]);
      expect(first).toMatchObject({ serviceId: id, state: 'running', desiredState: 'running', error: undefined });
      const next = await own.createConfig('2');

      await swarm.updateService(await own.service(), { ...desired, configs: [next], image: brokenImage });
      await own.world.settle(own.name);

      const tasks = await swarm.serviceTasks([id]);
      expect(tasks.find(({ error }) => error !== undefined)).toMatchObject({
        state: expect.stringMatching(/failed|rejected/),
        desiredState: 'shutdown',
        error: expect.stringContaining('No such image'),
        spec: expect.not.stringMatching(first!.spec),
      });
      expect(tasks.find(({ desiredState }) => desiredState === 'running')).toMatchObject({
        state: 'running',
        spec: first!.spec,
      });
      await swarm.removeService(id);
      await expect(swarm.serviceTasks([id])).rejects.toThrow(ConflictError);
    });

    it('keeps manual changes', async () => {
      const own = await contract('hand');
      const { desired } = await own.createService();
      await own.world.amend(own.name, (spec) => {
        spec.Labels.hand = 'yes';
        spec.Mode.Replicated.Replicas = 2;
        spec.TaskTemplate.ContainerSpec.Env = ['HAND=yes'];
      });
      await own.world.settle(own.name);

      const next = await own.createConfig('2');
      await own.world.swarm.updateService(await own.service(), { ...desired, configs: [next] });

      expect(await own.world.specOf(own.name)).toMatchObject({
        Labels: { hand: 'yes', note: 'a note' },
        Mode: { Replicated: { Replicas: 2 } },
        TaskTemplate: { ContainerSpec: { Env: ['HAND=yes'], Configs: [{ ConfigID: next.id }] } },
      });
    });

    it('returns nothing for a task that does not exist', async () => {
      const own = await contract('log');

      expect(await own.world.swarm.taskLog('nothing')).toBe('');
    });
  });
}

/** The objects of one test, with its name. */
class Contract {
  readonly world: ContractWorld;
  readonly name: string;

  constructor(world: ContractWorld, name = '') {
    this.world = world;
    this.name = `${world.run}-${name}`;
  }

  desired(changes: Partial<DesiredService>): DesiredService {
    return {
      role: 'proxy',
      cluster: this.world.run,
      name: this.name,
      image: this.world.image,
      args: [],
      labels: { [roleLabel]: 'proxy', [clusterLabel]: this.world.run, note: 'a note' },
      containerLabels: {},
      networkIds: [],
      configs: [],
      secrets: [],
      constraints: ['node.platform.os==linux'],
      preferences: [],
      replicas: 1,
      ports: [],
      stopSignal: 'SIGKILL',
      stopGracePeriodMs: 1000,
      updateDelayMs: 0,
      updateOrder: 'start-first',
      health: { intervalMs: 2000, timeoutMs: 3000 },
      env: {},
      volumes: {},
      limits: { memoryBytes: 0, pids: 0 },
      tmpfs: {},
      init: false,
      ...changes,
    };
  }

  /** A service with a config and a secret. */
  async createService(changes: Partial<DesiredService> = {}) {
    const config = await this.createConfig('1');
    const labels = { [clusterLabel]: this.world.run, note: 'a note' };
    const secretId = await this.world.swarm.createSecret({ name: this.name, labels, data: 'secret' });
    const secrets = [{ id: secretId, name: this.name, target: 'secret' }];
    const desired = this.desired({ configs: [config], secrets, ...changes });
    await this.world.swarm.createService(desired);
    return { config, desired };
  }

  async createConfig(suffix: string, data = suffix): Promise<MountedObject> {
    const name = `${this.name}-${suffix}`;
    const labels = { [clusterLabel]: this.world.run, note: 'a note' };
    const id = await this.world.swarm.createConfig({ name, labels, data });
    return { id, name, target: '/etc/contract' };
  }

  async service(): Promise<OwnedService> {
    const { owned } = await this.world.swarm.observe();
    const service = owned.find(({ name }) => name === this.name);
    if (!service) throw new Error(`Service ${this.name} not found`);
    return service;
  }

  /** Tasks that should run. */
  async tasks() {
    const { id } = await this.service();
    const tasks = await this.world.swarm.tasks(id);
    return tasks.filter(({ desiredState }) => desiredState === 'running');
  }

  async cleanUp(): Promise<void> {
    const { swarm, run } = this.world;
    const { owned, configs, secrets } = await swarm.observe();
    const ours = ({ name }: { name: string }) => name.startsWith(`${run}-`);
    for (const { id } of owned.filter(ours)) await swarm.removeService(id);
    for (const { id } of configs.filter(ours)) await swarm.removeConfig(id);
    for (const { id } of secrets.filter(ours)) await swarm.removeSecret(id);
  }
}
