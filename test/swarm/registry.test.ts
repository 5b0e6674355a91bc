// Images from a registry that requires signing in: nodes pull them with the credentials that the settings name.
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { containersOf } from '../support/containers.ts';
import { bed, defaultSettings, eventually, settled, state, useSettings } from '../support/interlock.ts';
import { Registry } from '../support/registry.ts';
import { answersOnEveryNode, deployStack, restoreSettings, type Stack } from '../support/story.ts';

let registry: Registry;
let stack: Stack;
const images: Record<string, string> = {};

beforeAll(async () => {
  registry = await Registry.start();
  for (const name of ['extension', 'proxy'])
    images[name] = await registry.push(`signalbox/${name}:${inject('version')}`);
  stack = await deployStack('registry', { app: { host: 'registry.local' } });
});

afterAll(async () => {
  await restoreSettings();
  await stack[Symbol.asyncDispose]();
  await bed.docker('secret', 'rm', 'registry-wrong', 'registry-right');
  for (const node of bed.nodes)
    for (const image of Object.values(images))
      await node.docker
        .getImage(image)
        .remove({ force: true })
        .catch(() => undefined);
  await registry[Symbol.asyncDispose]();
});

async function createSecret(name: string, text: string): Promise<void> {
  await bed.manager.docker.createSecret({ Name: name, Data: Buffer.from(text).toString('base64') } as never);
}

const settingsWith = (secret: string) =>
  defaultSettings
    .replace('PollInterval', `RegistrySecret = "${secret}"\nPollInterval`)
    .replace(
      '[Extensions.default]',
      `[Extensions.default]\nImage = "${images.extension}"\nProxyImage = "${images.proxy}"`,
    );

describe('images in a registry that requires signing in', () => {
  it('are not pulled with other text than credentials: the previous proxies keep serving, and the cause is reported', async () => {
    await createSecret('registry-wrong', 'user:password');
    await useSettings(settingsWith('registry-wrong'));

    await eventually(async () =>
      expect((await state()).problems).toContainEqual(
        expect.objectContaining({
          severity: 'error',
          label: 'RegistrySecret',
          value: 'registry-wrong',
          reason: 'is not the config.json of docker login',
        }),
      ),
    );
    await eventually(async () =>
      expect((await state()).problems.map(({ reason }) => reason).join()).toMatch(
        /The extension was rolled back: No such image/,
      ),
    );
    await answersOnEveryNode('registry.local');
  });

  it('are pulled with the credentials that the settings name', async () => {
    await createSecret('registry-right', registry.config);
    await useSettings(settingsWith('registry-right'));

    for (const [part, service] of [
      ['extension', 'signalbox-extension'],
      ['proxy', 'signalbox-proxy'],
    ] as const)
      await eventually(async () => {
        const containers = await containersOf(service);
        expect(new Set(containers.map(({ Config }) => Config.Image))).toEqual(new Set([images[part]]));
      }, 240_000);
    await settled();
    await answersOnEveryNode('registry.local');
    expect((await state()).problems).toEqual([]);
  });

  it('leave the credentials in no label, variable or log', async () => {
    const { auth } = Object.values(
      (JSON.parse(registry.config) as { auths: Record<string, { auth: string }> }).auths,
    )[0]!;
    const secrets = [auth, ...atob(auth).split(':').slice(1)];
    for (const service of ['signalbox_controller', 'signalbox-extension', 'signalbox-proxy']) {
      const seen = [await bed.docker('service', 'inspect', service), await bed.logs(service, 1000)];
      for (const container of await containersOf(service)) seen.push(JSON.stringify(container));
      for (const text of seen) for (const secret of secrets) expect(text).not.toContain(secret);
    }
  });
});
