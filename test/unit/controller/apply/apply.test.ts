import { pino } from 'pino';
import { beforeEach, describe, expect, it } from 'vitest';
import { Applier } from '../../../../src/controller/apply/apply.ts';
import { type Action, PENDING_ID } from '../../../../src/controller/plan/actions.ts';
import { RetryableError } from '../../../../src/lib/retryable.ts';
import { controlNetwork } from '../../../../src/model/names.ts';
import { desiredExtension } from '../../../../src/model/own-services/owned-service.ts';
import { parseSettings } from '../../../../src/model/settings/settings.ts';
import { TextChecks } from '../../../../src/nginx-text/check-text.ts';
import { aSwarm } from '../../../support/controller-world.ts';
import { FakeExtension } from '../../../support/fake-extension.ts';
import type { FakeSwarm } from '../../../support/fake-swarm.ts';

const [cluster] = parseSettings({}, '1.0.0').settings.clusters;
const file = (name: string): Action => {
  return { kind: 'create-config', cluster: 'default', version: 'v1', config: { name, labels: {}, data: '' } };
};
const identity: Action = { kind: 'create-identity', role: 'extension', cluster: 'default', name: 'identity' };
const pending = { id: PENDING_ID, name: 'identity' };
const service: Action = {
  kind: 'create-service',
  desired: desiredExtension(cluster!, [], controlNetwork, pending),
};
const offer = (isOptional: boolean): Action => {
  const version = { cluster: 'default', boot: 'v0', version: 'v1', files: [] };
  return { kind: 'offer-version', service: 'signalbox-extension', offer: version, isOptional };
};

let swarm: FakeSwarm;
let extension: FakeExtension;
let stop: AbortController;
let applier: Applier;

beforeEach(() => {
  swarm = aSwarm();
  extension = new FakeExtension();
  stop = new AbortController();
  const credentials = {
    find: () => ({ id: undefined, name: 'identity', publicKey: undefined }),
    sign: () => '',
    isSigned: () => true,
    issue: async () => ({ name: 'identity', labels: {}, data: '' }),
  };
  const books = { attempts: { record: () => undefined }, textChecks: new TextChecks() };
  const logger = pino({ level: 'silent' });
  applier = new Applier({ swarm, renderer: extension, credentials, logger, now: () => 0, ...books }, stop.signal);
});

describe('actions', () => {
  it('are applied in order, with the IDs of what earlier ones have created', async () => {
    await applier.apply([identity]);
    await applier.apply([service]);

    expect(swarm.writes).toEqual(['createSecret identity', 'createService signalbox-extension']);
    expect(swarm.service('signalbox-extension').observe().secretIds).toEqual([swarm.secrets[0]!.id]);
  });

  it('end with the first that fails', async () => {
    swarm.failNext('createConfig', new RetryableError('no quorum'));

    await expect(applier.apply([identity, file('a'), file('b')])).rejects.toThrow('no quorum');
    expect(swarm.writes).toEqual(['createSecret identity']);
  });

  it('end when the controller stops', async () => {
    const { createConfig } = swarm;
    swarm.createConfig = async (config) => {
      stop.abort();
      return createConfig.call(swarm, config);
    };

    await expect(applier.apply([file('a'), file('b')])).rejects.toThrow('aborted');
    expect(swarm.writes).toEqual(['createConfig a']);
  });

  it('that are optional may fail', async () => {
    extension.away.add('signalbox-extension');

    await applier.apply([offer(true), file('a')]);
    await expect(applier.apply([offer(false), file('b')])).rejects.toThrow('away');
    expect(swarm.writes).toEqual(['createConfig a']);
  });
});
