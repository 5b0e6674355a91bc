import { describe, expect, it } from 'vitest';
import { buildDesiredState } from '../../../src/model/desired-state.ts';
import { toRenderInput } from '../../../src/model/render-input.ts';
import { parseSettings } from '../../../src/model/settings/settings.ts';
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
