import fc from 'fast-check';
import { expect, it } from 'vitest';
import { textFault } from '../../../src/nginx-text/check-text.ts';
import { permissionsOf } from '../../../src/nginx-text/permissions.ts';
import { RenderRequest } from '../../../src/protocol/render-messages.ts';
import { hostileStreamLabels } from '../../support/hostile-labels.ts';
import { renderStreamsBeside } from '../../support/hostile-streams.ts';
import { findAll, parseNginx } from '../../support/nginx-parser.ts';

const runs = { numRuns: 500 };

function serversOf(text: string) {
  const [stream] = [...findAll(parseNginx(text), 'stream')];
  return stream!.block!.filter(({ name }) => name === 'server');
}

/** Servers of a service that is not mallory, as text. */
function neighbors(text: string): string[] {
  return serversOf(text)
    .map((server) => JSON.stringify(server))
    .filter((server) => /alice|bob/.test(server));
}

it('is routed at all: most samples have a route', () => {
  const samples = fc.sample(hostileStreamLabels, { numRuns: 200, seed: 1 });
  const served = samples.filter((labels) => renderStreamsBeside(labels).input.streams.length > 3);
  expect(served.length).toBeGreaterThan(50);
});

it('changes no server of another service, whatever the labels of a newer service are', () => {
  const innocent = neighbors(renderStreamsBeside().text);
  expect(innocent.length).toBeGreaterThan(2);
  fc.assert(
    fc.property(hostileStreamLabels, (labels) => {
      const { text, problems } = renderStreamsBeside(labels);
      expect(neighbors(text)).toEqual(innocent);
      expect(problems.filter(({ service }) => service === 'alice' || service === 'bob')).toEqual([]);
    }),
    runs,
  );
});

it('writes only directives and listeners of the templates', () => {
  fc.assert(
    fc.property(hostileStreamLabels, (labels) => {
      const { text, input } = renderStreamsBeside(labels);
      expect(textFault(text, [], permissionsOf(input))).toBeUndefined();
      const listeners = serversOf(text).flatMap(({ block }) =>
        [...findAll(block!, 'listen')].map(({ args }) => args[0]!),
      );
      for (const listener of listeners)
        expect(listener).toMatch(/^(5432|5433|53|54|unix:\/tmp\/stream-[0-9a-f]{16}\.sock)$/);
    }),
    runs,
  );
});

it('sends only valid messages', () => {
  fc.assert(
    fc.property(hostileStreamLabels, (labels) => {
      const { input } = renderStreamsBeside(labels);
      expect(RenderRequest.parse({ ...JSON.parse(JSON.stringify(input)), known: [] }).streams).toEqual(
        JSON.parse(JSON.stringify(input.streams.map(({ labels: _, ...route }) => route))),
      );
    }),
    runs,
  );
});
