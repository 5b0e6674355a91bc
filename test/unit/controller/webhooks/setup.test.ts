// The settings and secrets of webhooks.
import { describe, expect, it } from 'vitest';
import { readWebhooks } from '../../../../src/controller/webhooks/setup.ts';
import { controllerSecrets, parseSettings } from '../../../../src/model/settings/settings.ts';

const parse = (Webhooks: unknown) => parseSettings({ Webhooks }, '1');

describe('[Webhooks.<name>]', () => {
  it('has defaults, and the controller mounts its secrets', () => {
    const { settings, problems } = parse({
      ops: { UrlSecret: 'url', SigningSecret: 'key' },
      chat: { urlsecret: 'url' },
    });

    expect(problems).toEqual([]);
    expect(settings.webhooks).toEqual([
      { name: 'ops', UrlSecret: 'url', SigningSecret: 'key', Format: 'json', Severities: ['error'] },
      { name: 'chat', UrlSecret: 'url', SigningSecret: '', Format: 'json', Severities: ['error'] },
    ]);
    expect(controllerSecrets(settings)).toEqual(['url', 'key']);
  });

  it.each([
    ['no URL', { ops: {} }, 'Webhooks.ops.UrlSecret', 'is missing'],
    ['an unknown format', { ops: { UrlSecret: 'a', Format: 'xml' } }, 'Webhooks.ops.Format', 'is not json or slack'],
    ['no severities', { ops: { UrlSecret: 'a', Severities: [] } }, 'Webhooks.ops.Severities', 'is empty'],
    [
      'an unknown severity',
      { ops: { UrlSecret: 'a', Severities: ['all'] } },
      'Webhooks.ops.Severities',
      'is not error',
    ],
    ['a secret of Signalbox', { ops: { UrlSecret: 'signalbox.controller' } }, 'Webhooks.ops.UrlSecret', ''],
    ['an unknown key', { ops: { UrlSecret: 'a', Url: 'https://a' } }, 'Webhooks.ops.url', 'is an unknown setting'],
    ['no table', { ops: 'https://a' }, 'Webhooks.ops', 'is not a webhook'],
    ['no tables', 'https://a', 'Webhooks', 'is not a table'],
  ])('with %s is not used', (_, tables, label, reason) => {
    const { settings, problems } = parse(tables);

    expect(settings.webhooks).toEqual([]);
    expect(problems).toMatchObject([{ severity: 'error', label }]);
    expect(problems[0]!.reason).toContain(reason);
  });

  it('is limited in number', () => {
    const { settings, problems } = parse(
      Object.fromEntries(Array.from({ length: 12 }, (_, n) => [`w${n}`, { UrlSecret: 'a' }])),
    );

    expect(settings.webhooks).toHaveLength(10);
    expect(problems.map(({ label }) => label)).toEqual(['Webhooks.w10', 'Webhooks.w11']);
  });
});

describe('the secrets of a webhook', () => {
  const read = async (secrets: Readonly<Record<string, string>>, SigningSecret = '') => {
    const { settings } = parse({ ops: { UrlSecret: 'url', SigningSecret } });
    return readWebhooks(settings.webhooks, async (name) => secrets[name]);
  };

  it('are read, with the line break that editors add', async () => {
    const { webhooks, problems } = await read({ url: 'https://hooks.example.org/a\n', key: 'k' }, 'key');

    expect(problems).toEqual([]);
    expect(webhooks).toMatchObject([{ signingKey: 'k', settings: { name: 'ops' } }]);
    expect(webhooks[0]!.url.href).toBe('https://hooks.example.org/a');
  });

  it.each([
    ['its URL is missing', {}, '', 'UrlSecret', 'is not a secret of this swarm'],
    ['its URL is none', { url: 'secret text' }, '', 'UrlSecret', 'does not contain a URL'],
    ['its URL is a file', { url: 'file:///etc/passwd' }, '', 'UrlSecret', 'does not contain a URL'],
    ['its key is missing', { url: 'https://a' }, 'key', 'SigningSecret', 'is not a secret of this swarm'],
    ['its key is empty', { url: 'https://a', key: '' }, 'key', 'SigningSecret', 'is empty'],
  ])('are a problem, and the webhook is not used, if %s', async (_, secrets, signing, key, reason) => {
    const { webhooks, problems } = await read(secrets, signing);

    expect(webhooks).toEqual([]);
    expect(problems).toMatchObject([{ id: 'webhook-unusable', severity: 'error', label: `Webhooks.ops.${key}` }]);
    expect(problems[0]!.reason).toContain(reason);
    expect(JSON.stringify(problems)).not.toMatch(/secret text|passwd/);
  });
});
