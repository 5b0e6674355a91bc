import { expect, it } from 'vitest';
import { buildDesiredState } from '../../../../src/model/desired-state.ts';
import { toRenderInput } from '../../../../src/model/render-input.ts';
import { parseSettings } from '../../../../src/model/settings/settings.ts';
import { readServers } from '../../../../src/nginx-text/servers.ts';
import { awaitNames } from '../../../../src/proxy/nginx/await-names.ts';
import { aNetwork, aService } from '../../../support/builders.ts';
import { render } from '../../../support/golden.ts';

function namesIn(text: string): string[] {
  const names: string[] = [];
  readServers(text, { server: ({ name, isResolved }) => void (isResolved && names.push(name)) });
  return names;
}

/** As rendered, so that a template change is noticed. */
function upstreamsOf(...names: string[]): string[] {
  const services = names.map((name) => aService(name));
  const nothing = { nodes: [], hostTasks: [], configs: [], secrets: [], owned: [] };
  const { clusters } = buildDesiredState(
    { services, networks: [aNetwork('app')], ...nothing },
    parseSettings({}, '1').settings,
  );
  return namesIn(render(toRenderInput(clusters[0]!)).files[0]!.text);
}

/** An engine that learns a name after this many requests for it. */
function anEngine(late: Readonly<Record<string, number>>) {
  const asked: string[] = [];
  const resolve = async (name: string) => {
    asked.push(name);
    if (asked.filter((other) => other === name).length <= (late[name] ?? 0)) throw new Error('ENOTFOUND');
    return ['10.0.0.1'];
  };
  return { asked, resolve };
}

it('all names of upstreams are waited for, and requested until they are known', async () => {
  const { asked, resolve } = anEngine({ 'tasks.web.app': 2 });

  await awaitNames(upstreamsOf('web', 'shop'), resolve, 60_000);

  expect(asked.toSorted()).toEqual(['tasks.shop.app', 'tasks.web.app', 'tasks.web.app', 'tasks.web.app']);
});

it('an unknown name is waited for in limited time', async () => {
  const { asked, resolve } = anEngine({ 'tasks.web.app': Number.POSITIVE_INFINITY });

  await awaitNames(upstreamsOf('web'), resolve, 250);

  expect(asked.length).toBeGreaterThan(1);
});

it('names on an upper-case network are queried as nginx queries them', () => {
  const services = [aService('web', { networks: ['MyApp_default'] })];
  const nothing = { nodes: [], hostTasks: [], configs: [], secrets: [], owned: [] };
  const { clusters } = buildDesiredState(
    { services, networks: [aNetwork('MyApp_default')], ...nothing },
    parseSettings({}, '1').settings,
  );

  expect(namesIn(render(toRenderInput(clusters[0]!)).files[0]!.text)).toEqual([
    'tasks.web.myapp_default.1400.case.signalbox',
  ]);
});

it('nothing is queried without upstreams', async () => {
  const { asked, resolve } = anEngine({});
  await awaitNames(upstreamsOf(), resolve);
  expect(asked).toEqual([]);
});
