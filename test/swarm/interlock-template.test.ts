// Acceptance cases O1 and N2 of Interlock: the administrator's own template, invalid settings, and raw options.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { State } from '../../src/controller/admin/state.ts';
import {
  bed,
  curl,
  defaultSettings,
  demo,
  echo,
  eventually,
  InterlockStory,
  inspectProxy,
  ping,
  proxyConfiguration,
  proxyIdentity,
  published,
  settled,
  state,
} from '../support/interlock.ts';
import { applySettings, restoreSettings } from '../support/story.ts';

const story = new InterlockStory();
const template = 'interlock-custom-template';

const withTemplate = `${defaultSettings}
Template = "${template}"
ProxyLabels = { team = "edge" }
ProxyContainerLabels = { tier = "front" }
Labels = { team = "render" }
[Extensions.default.Config]
ClientMaxBodySize = "1m"
UnderscoresInHeaders = true
GlobalOptions = ["worker_shutdown_timeout 1h;"]
HTTPOptions = ["add_header X-Raw-Option yes always;"]
TCPOptions = ["server { listen 127.0.0.1:10999; return ok; }"]
`;

/** Docker configs are immutable, but no service mounts this one: it can be removed and created again. */
async function writeTemplate(text: string): Promise<void> {
  await removeTemplate();
  await bed.manager.docker.createConfig({ Name: template, Data: Buffer.from(text).toString('base64') } as never);
}

async function removeTemplate(): Promise<void> {
  const configs = await bed.manager.docker.listConfigs();
  for (const { ID } of configs.filter(({ Spec }) => Spec?.Name === template)) {
    await bed.manager.docker.getConfig(ID).remove();
  }
}

async function errorsOfSettings(): Promise<State['problems']> {
  return (await state()).problems.filter(({ service, severity }) => service === undefined && severity === 'error');
}

beforeAll(async () => {
  await story.docker('network create -d overlay template');
  await story.docker(`service create --name template-app --network template
    --label com.docker.lb.hosts=template.local --label com.docker.lb.port=8080 ${demo}`);
  await writeTemplate('# first of {{cluster}}\n{{> nginx.conf}}');
  await applySettings(withTemplate);
  await published('template.local');
});

afterAll(async () => {
  await restoreSettings();
  await removeTemplate();
  await story.close();
});

describe('a template of the administrator', () => {
  it('O1: is used to render the configuration', async () => {
    expect(await proxyConfiguration()).toMatch(/^# first of default\n/);
    await ping('template.local');
  });

  it('O1: that is changed renders everything again', async () => {
    await writeTemplate('# second of {{cluster}}\n{{> nginx.conf}}');

    await eventually(async () => expect(await proxyConfiguration()).toMatch(/^# second of default\n/));
    await settled();
    await ping('template.local');
  });

  it.each([
    ['does not compile', '# third\n{{#if cluster}}', /Parse error/],
    ['misspells a field', '# third {{clutser}}\n{{> nginx.conf}}', /"clutser" not defined/],
    [
      'is refused by nginx',
      '# third\nno_such_directive on;\n{{> nginx.conf}}',
      /unknown directive "no_such_directive"/,
    ],
    ['does not output the version', '# third\nevents {}\n', /lacks \{\{> status\}\}/],
  ])('O1: that %s keeps the last valid configuration in place, and says why', async (_what, text, reason) => {
    const before = await proxyIdentity();

    await writeTemplate(text);

    await eventually(async () => {
      const [problem, ...others] = await errorsOfSettings();
      expect(others).toEqual([]);
      expect(problem).toMatchObject({ cluster: 'default', reason: expect.stringMatching(reason) });
    });
    expect(await proxyConfiguration()).toMatch(/^# second of default\n/);
    expect(await proxyIdentity()).toEqual(before);
    await ping('template.local');
  });

  it('O1: that is missing keeps the last valid configuration in place as well', async () => {
    await removeTemplate();

    await eventually(async () => {
      expect(await errorsOfSettings()).toMatchObject([{ reason: expect.stringContaining(template) }]);
    });
    expect(await proxyConfiguration()).toMatch(/^# second of default\n/);
    await ping('template.local');
  });
});

describe('keys of the settings', () => {
  it('pass raw options to nginx, each in its context', async () => {
    const configuration = await proxyConfiguration();

    expect((await curl('template.local', '/ping')).headers['x-raw-option']).toBe('yes');
    expect(configuration).toMatch(/^worker_shutdown_timeout 1h;$/m);
    expect(configuration).toMatch(/^stream \{\n {4}server \{ listen 127\.0\.0\.1:10999; return ok; \}\n\}$/m);
  });

  it('limit request bodies, and allow header names with underscores', async () => {
    const body = 'x'.repeat(2 ** 20 + 1);

    expect((await curl('template.local', '/upload', { method: 'POST', body })).status).toBe(413);
    const { headers } = await echo('template.local', '/echo', { headers: { under_score: 'kept' } });
    expect(headers.under_score).toBe('kept');
  });

  it('set the labels of services and tasks', async () => {
    const { Spec } = await inspectProxy();
    const extension = await inspectProxy('signalbox-extension');

    expect(Spec).toMatchObject({
      Labels: { team: 'edge', type: 'com.docker.interlock.core.proxy' },
      TaskTemplate: { ContainerSpec: { Labels: { tier: 'front' } } },
    });
    expect(extension.Spec).toMatchObject({ Labels: { team: 'render' } });
  });
});

describe('invalid settings', () => {
  it('N2: change nothing, and are reported', async () => {
    await writeTemplate('# second of {{cluster}}\n{{> nginx.conf}}');
    await settled();
    const before = await proxyIdentity();

    await applySettings('[Extensions.default\nPublishedPort = 80');

    await eventually(async () => {
      expect(await errorsOfSettings()).toMatchObject([
        { label: '/config.toml', reason: expect.stringMatching(/^cannot be read/) },
      ]);
    });
    await settled();
    expect(await proxyIdentity()).toEqual(before);
    await ping('template.local');
  });

  it('are replaced by valid ones: the built-in template is back', async () => {
    await restoreSettings();

    expect(await errorsOfSettings()).toEqual([]);
    expect(await proxyConfiguration()).toMatch(/^# Signalbox, service cluster default\./);
    await ping('template.local');
  });
});
