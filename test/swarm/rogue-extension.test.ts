// A compromised extension: its image returns more than the controller requested.
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { bed, curl, defaultSettings, eventually, proxyIdentity, settled, state } from '../support/interlock.ts';
import { answersOnEveryNode, applySettings, deployStack, restoreSettings, Stack } from '../support/story.ts';

const image = 'signalbox/rogue-extension:story';
const victim = 'rogue-app.local';
const late = new Stack('rogue-late');
let stack: Stack;

/** The release's image with an additional server in its templates, which serves the proxies' secrets. */
const build = `
id=$(docker create "$1")
docker cp "$id:/app/templates/nginx.conf.hbs" /tmp/rogue.hbs
sed -i 's,^http {,http {\\n    server { listen 80; server_name rogue.local; location / { alias /run/secrets/; } },' /tmp/rogue.hbs
docker cp /tmp/rogue.hbs "$id:/app/templates/nginx.conf.hbs"
docker commit "$id" ${image}
docker rm "$id"
rm /tmp/rogue.hbs`;

beforeAll(async () => {
  const released = `signalbox/extension:${inject('version')}`;
  for (const node of bed.nodes) expect(await node.exec('sh', '-ec', build, 'sh', released)).toBe(0);
  stack = await deployStack('rogue', { app: { host: victim } });
  // The proxies may still be joining its network, or leaving that of the story before this one.
  await settled();
});
afterAll(async () => {
  await restoreSettings();
  await stack[Symbol.asyncDispose]();
  await late[Symbol.asyncDispose]();
  for (const node of bed.nodes) await node.docker.getImage(image).remove({ force: true });
});

/** Images of the extensions that run. */
async function extensionImages(): Promise<string[]> {
  const tasks = (await bed.tasks('signalbox-extension')) as unknown as ExtensionTask[];
  return tasks.filter(({ Status }) => Status.State === 'running').map(({ Spec }) => Spec.ContainerSpec.Image);
}

interface ExtensionTask {
  readonly Status: { readonly State: string };
  readonly Spec: { readonly ContainerSpec: { readonly Image: string } };
}

it('a compromised extension changes nothing that proxies serve and is reported, and the release renders again after it', async () => {
  const before = await proxyIdentity();

  await applySettings(defaultSettings.replace('[Extensions.default]', `[Extensions.default]\nImage = "${image}"`));
  // The extension of the release answers until the other one has replaced it.
  await eventually(async () => expect(await extensionImages()).toEqual([image]));
  await late.deploy({ app: { host: 'rogue-late.local' } });
  await eventually(async () =>
    expect((await state()).problems).toContainEqual(
      expect.objectContaining({
        severity: 'error',
        cluster: 'default',
        reason: expect.stringMatching(
          /^The extension returned a configuration that is not allowed: .* "alias \/run\/secrets\/"$/,
        ),
      }),
    ),
  );

  expect(await proxyIdentity()).toEqual(before);
  await answersOnEveryNode(victim);
  for (const { name } of bed.nodes) {
    const { status, body } = await curl('rogue.local', '/signalbox-proxy', { node: name });
    expect([status, body.includes('PRIVATE KEY')]).toEqual([503, false]);
  }
  expect((await curl('rogue-late.local')).status).toBe(503);

  await restoreSettings();
  await settled();
  await answersOnEveryNode('rogue-late.local');
});
