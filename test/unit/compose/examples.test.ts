import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { settingsFor } from '../../../src/compose/settings.ts';
import { buildDesiredState } from '../../../src/model/desired-state.ts';
import { explainUrl } from '../../../src/model/explain.ts';
import { toRenderInput } from '../../../src/model/render-input.ts';
import { composePath, lint, load, readCompose } from '../../support/compose.ts';
import { render } from '../../support/golden.ts';

function clustersOf(example: string) {
  const { snapshot } = load({ [example]: readCompose(`examples/${example}`) });
  return buildDesiredState(snapshot, settingsFor(snapshot, '1')).clusters;
}

/**
 * What each cluster with routes does with the URL: the services that receive it, the target of a redirect, or the
 * reason.
 */
function answers(example: string, url: string): Record<string, unknown> {
  const busy = clustersOf(example).filter(({ routes }) => routes.length > 0);
  return Object.fromEntries(
    busy.map(({ cluster, table }) => {
      const { answer } = explainUrl(table, url, { httpsPort: 8443 })!;
      const shown = {
        service: 'route' in answer && answer.route.services,
        redirect: 'location' in answer && answer.location,
      };
      return [cluster.name, shown.service || shown.redirect || answer.kind];
    }),
  );
}

function peers(example: string): string[] {
  return clustersOf(example).flatMap(({ table }) =>
    table.upstreams.flatMap((upstream) => upstream.peers.map(({ address, port }) => `${address}:${port}`)),
  );
}

const examples = readdirSync(composePath('examples'));

describe("the examples of Interlock's documentation", () => {
  it.each(examples.filter((name) => name !== 'routing-mesh.yml'))('have no problems: %s', (example) => {
    expect(lint({ [example]: readCompose(`examples/${example}`) })).toEqual([]);
  });

  it.each`
    example                   | url                              | answer
    ${'simple.yml'}           | ${'http://app.example.org/ping'} | ${{ default: ['demo_demo'] }}
    ${'simple.yml'}           | ${'http://other.example.org/'}   | ${{ default: 'no-host' }}
    ${'canary.yml'}           | ${'http://demo.local/ping'}      | ${{ default: ['demo_demo-v1', 'demo_demo-v2'] }}
    ${'context-root.yml'}     | ${'http://demo.local/app/'}      | ${{ default: ['demo_hello'] }}
    ${'context-root.yml'}     | ${'http://demo.local/'}          | ${{ default: 'no-path' }}
    ${'redirect.yml'}         | ${'http://old.example.org/x?y'}  | ${{ default: 'http://app.example.org/x?y' }}
    ${'redirect.yml'}         | ${'http://app.example.org/'}     | ${{ default: ['demo_demo'] }}
    ${'sessions.yml'}         | ${'http://cookie.example.org/'}  | ${{ default: ['demo_cookie'] }}
    ${'websockets.yml'}       | ${'http://demo.local/ws'}        | ${{ default: ['demo_demo'] }}
    ${'default-backend.yml'}  | ${'http://whatever.example/'}    | ${{ default: ['demo_demo'] }}
    ${'vip.yml'}              | ${'http://demo.local/'}          | ${{ default: ['demo_demo'] }}
    ${'host-ports.yml'}       | ${'http://demo.local/'}          | ${{ default: ['demo_demo'] }}
    ${'service-clusters.yml'} | ${'http://demo.A/'}              | ${{ east: ['demo_east'], west: 'no-host' }}
    ${'routing-mesh.yml'}     | ${'http://mesh.example.org/'}    | ${{ default: ['demo_demo'] }}
  `('answer as documented: $example $url', ({ example, url, answer }) => {
    expect(answers(example, url)).toEqual(answer);
  });

  it.each([
    ['simple.yml', ['tasks.demo_demo.demo_demo-network:8080']],
    ['context-root.yml', ['tasks.demo_hello.web:8080']],
    ['sessions.yml', ['tasks.demo_address.demo_default:8080', 'tasks.demo_cookie.demo_default:8080']],
    ['vip.yml', ['demo_demo.demo_demo:8080']],
    ['host-ports.yml', ['192.0.2.1:32768']],
  ])('lead to the tasks: %s', (example, expected) => {
    expect(peers(example)).toEqual(expected);
  });

  it.each(examples)('can be rendered: %s', (example) => {
    for (const state of clustersOf(example)) expect(render(toRenderInput(state)).files[0]!.text).toContain('http {');
  });

  it('get a notice about the current labels', () => {
    expect(lint({ 'mesh.yml': readCompose('examples/routing-mesh.yml') })).toEqual([
      'mesh.yml:10:9 notice com.docker.ucp.mesh.http.8080 is a deprecated label of the HTTP Routing Mesh, and is still supported',
    ]);
  });
});

it("finds no problem in this project's own demo stack", () => {
  const text = readFileSync(new URL('../../../docker/demo/stack.yml', import.meta.url), 'utf8');

  expect(lint({ 'docker/demo/stack.yml': text })).toEqual([]);
});
