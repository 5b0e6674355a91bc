// Images from a registry that requires signing in: nodes pull them with the credentials that the settings name.
import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { containersOf } from '../support/containers.ts';
import { bed, defaultSettings, eventually, settled, state, useSettings } from '../support/interlock.ts';
import { Registry } from '../support/registry.ts';
import { answersOnEveryNode, deployStack, restoreSettings, type Stack } from '../support/story.ts';

let registry: Registry;
let stack: Stack;
const images: Record<string, string> = {};
const apps = { app: { host: 'registry.local' } };
/** Credentials of `docker login`. */
let folder: string | undefined;

beforeAll(async () => {
  registry = await Registry.start();
  for (const name of ['controller', 'extension', 'proxy', 'acme'])
    images[name] = await registry.push(`signalbox/${name}:${inject('version')}`);
  stack = await deployStack('registry', apps);
});

afterAll(async () => {
  if (folder) await rm(folder, { recursive: true });
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

  it('are all pulled if the stack is deployed from the registry: SIGNALBOX_REGISTRY names it for what the controller creates too', async () => {
    folder = await registry.signIn();
    const env = { SIGNALBOX_REGISTRY: `${registry.address}/signalbox`, DOCKER_CONFIG: folder };
    // Nobody answers at this address: only the image counts.
    const issuer = `\n[Acme.nobody]\nDirectory = "https://127.0.0.1:9/dir"\nEmail = "ops@example.org"\nAcceptTerms = true\n`;
    const settings = defaultSettings.replace('PollInterval', 'RegistrySecret = "registry-right"\nPollInterval');

    await useSettings(settings + issuer, env);
    // The service that orders certificates runs only if a host asks for one.
    const labels = {
      'com.docker.lb.hosts': 'ordered.local',
      'com.docker.lb.port': '8080',
      'com.docker.lb.acme': 'true',
    };
    await stack.deploy({ ...apps, ordered: { labels } });

    for (const [service, image] of [
      ['signalbox_controller', images.controller],
      ['signalbox_admin', images.controller],
      ['signalbox-extension', images.extension],
      ['signalbox-proxy', images.proxy],
      ['signalbox-acme', images.acme],
    ] as const)
      await eventually(async () => {
        const containers = await containersOf(service);
        expect(new Set(containers.map(({ Config }) => Config.Image)), service).toEqual(new Set([image]));
      }, 240_000);
    await settled();
    await answersOnEveryNode('registry.local');
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
