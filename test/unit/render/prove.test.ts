import { describe, expect, it } from 'vitest';
import { buildDesiredState } from '../../../src/model/desired-state.ts';
import { toRenderInput } from '../../../src/model/render-input.ts';
import { parseSettings } from '../../../src/model/settings/settings.ts';
import type { StreamRoute } from '../../../src/model/streams/stream-route.ts';
import { proveConfiguration } from '../../../src/render/prove.ts';
import { readSnapshot, render } from '../../support/golden.ts';

const { settings } = parseSettings({}, '1');
const input = toRenderInput(buildDesiredState(readSnapshot('context-roots'), settings).clusters[0]!);

describe('a proof', () => {
  it('leaves out nothing if nginx accepts all', async () => {
    const proof = await proveConfiguration(input, render, async () => undefined);

    expect(proof).toMatchObject({ kind: 'rendered', refused: [], version: render(input).version });
  });

  it('finds the failing service and keeps the others', async () => {
    const proof = await proveConfiguration(input, render, async ([file]) =>
      file!.text.includes('demo_apiv2') ? 'no' : undefined,
    );

    const rest = { ...input, routes: input.routes.filter(({ service }) => service.name !== 'demo_apiv2') };
    expect(proof).toMatchObject({
      kind: 'rendered',
      refused: [{ service: 'demo_apiv2', message: 'no' }],
      version: render(rest).version,
    });
  });

  it('finds a service by its TCP port, and leaves out only that one', async () => {
    const [route] = input.routes;
    const stream = (name: string, port: number): StreamRoute => ({
      service: { id: name, name, createdAt: '' },
      ...{ protocol: 'tcp', port, hosts: [], tls: { kind: 'none' }, options: { proxyProtocol: false } },
      backend: { kind: 'peers', peers: [{ address: `tasks.${name}.app`, port: 5432, resolve: true }] },
    });
    const streams = [stream('db', 5432), stream(route!.service.name, 6379), stream('cache', 6380)];
    const proof = await proveConfiguration({ ...input, streams }, render, async ([file]) =>
      file!.text.includes('tasks.db.app') ? 'no' : undefined,
    );

    expect(proof).toMatchObject({
      refused: [{ service: 'db', message: 'no' }],
      version: render({ ...input, streams: streams.slice(1) }).version,
    });
  });

  it('names the settings if nginx rejects them without any service', async () => {
    expect(await proveConfiguration(input, render, async () => 'unknown directive')).toEqual({
      kind: 'settings-refused',
      message: 'unknown directive',
    });
  });

  it('names the template that does not compile, or does not output its version', async () => {
    const prove = (template: string) => proveConfiguration({ ...input, template }, render, async () => undefined);

    expect(await prove('{{#each}')).toMatchObject({ kind: 'settings-refused' });
    expect(await prove('events {}')).toMatchObject({
      kind: 'settings-refused',
      message: expect.stringContaining('status'),
    });
    expect(await prove('# mine\n{{> status}}')).toMatchObject({ kind: 'rendered' });
  });
});
