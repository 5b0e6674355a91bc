import { describe, expect, it } from 'vitest';
import { duration } from '../../../src/model/settings/keys.ts';
import { parseSettings } from '../../../src/model/settings/settings.ts';

describe('settings', () => {
  it('are complete without any key', () => {
    const { settings, problems } = parseSettings({}, '1.2.3');

    expect(problems).toEqual([]);
    expect(settings.clusters).toMatchObject([
      {
        name: 'default',
        settings: { Image: 'signalbox/extension:1.2.3', ProxyServiceName: 'signalbox-proxy', ProxyReplicas: 2 },
      },
    ]);
  });

  it('are read case-insensitively', () => {
    const { settings } = parseSettings(
      { POLLINTERVAL: '7s', extensions: { a: { proxyreplicas: 4, config: { RlimitNoFile: 9 } } } },
      '1',
    );

    expect(settings.core.PollInterval).toBe(7000);
    expect(settings.clusters[0]).toMatchObject({ settings: { ProxyReplicas: 4 }, nginx: { RLimitNoFile: 9 } });
  });

  it('suggest a key for a misspelled one', () => {
    const { problems } = parseSettings({ Extensions: { default: { ProxyReplica: 3 } } }, '1');

    expect(problems).toMatchObject([
      { label: 'Extensions.default.proxyreplica', remedy: 'Did you mean ProxyReplicas?' },
    ]);
  });

  it('keep the default of an invalid key, and report it', () => {
    const { settings, problems } = parseSettings(
      { Extensions: { default: { PublishedPort: 99_999, Config: { HTTPVersion: '9' } } } },
      '1',
    );

    expect(settings.clusters[0]).toMatchObject({ settings: { PublishedPort: 8080 }, nginx: { HTTPVersion: '1.1' } });
    expect(problems.map(({ label }) => label)).toEqual([
      'Extensions.default.PublishedPort',
      'Extensions.default.Config.HTTPVersion',
    ]);
  });

  it.each(['DefaultCertificate', 'MetricsSecret'])('give proxies no secret of Signalbox itself: %s', (key) => {
    for (const name of ['signalbox.controller', '../controller', 'signalbox.proxy.default.0123456789ab']) {
      const { settings, problems } = parseSettings({ Extensions: { default: { [key]: name } } }, '1');

      expect(settings.clusters[0]!.settings).toMatchObject({ [key]: '' });
      expect(problems).toMatchObject([{ severity: 'error', label: `Extensions.default.${key}` }]);
    }
  });

  it.each([
    'docker/ucp-interlock-extension:3.2.5',
    'mirantis/ucp-interlock-extension:3.3.13',
    'registry.example.org:5000/dev/interlock-extension-nginx@sha256:00',
  ])("replace Interlock's images with ours, and report it: %s", (image) => {
    const { settings, problems } = parseSettings({ Extensions: { default: { Image: image } } }, '1.2.3');

    expect(settings.clusters[0]!.settings.Image).toBe('signalbox/extension:1.2.3');
    expect(problems).toMatchObject([{ severity: 'notice', label: 'Extensions.default.Image', value: image }]);
  });

  it.each(['nginx:alpine', 'example.org/interlock-proxy/nginx:1', 'my-interlock-proxy'])(
    'keep an image of the administrator: %s',
    (image) => {
      const { settings, problems } = parseSettings({ Extensions: { default: { ProxyImage: image } } }, '1.2.3');

      expect(settings.clusters[0]!.settings.ProxyImage).toBe(image);
      expect(problems).toEqual([]);
    },
  );

  it('reject two clusters with one service name', () => {
    const { problems } = parseSettings({ Extensions: { a: { ServiceName: 'x' }, b: { ServiceName: 'x' } } }, '1');

    expect(problems).toMatchObject([{ value: 'x', reason: 'is the name of two services' }]);
  });

  it('reject two clusters with service names that differ only in case', () => {
    const { problems } = parseSettings({ Extensions: { east: {}, East: {} } }, '1');

    expect(problems.map(({ value }) => value)).toEqual(['signalbox-extension-east', 'signalbox-proxy-east']);
  });

  it.each([
    ['3s', 3000],
    ['1m30s', 90_000],
    ['500ms', 500],
    [5, 5000],
  ])('read %j as a duration of %i ms', (text, ms) => {
    expect(duration.parse(text)).toBe(ms);
  });

  it.each(['', 'soon', '3', '3s!', '-3s'])('reject %j as a duration', (text) => {
    expect(duration.safeParse(text).success).toBe(false);
  });
});
