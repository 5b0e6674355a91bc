import { describe, expect, it } from 'vitest';
import { buildDesiredState } from '../../../src/model/desired-state.ts';
import { parseSettings } from '../../../src/model/settings/settings.ts';
import { aNetwork, aService } from '../../support/builders.ts';

const nothing = { nodes: [], hostTasks: [], configs: [], owned: [], secrets: [] };

function stateOf(redirects: string) {
  const { settings } = parseSettings({ Extensions: { default: {} } }, '1');
  const services = [aService('app', { host: 'app,a,b', lb: { redirects } })];
  const { clusters, problems } = buildDesiredState({ services, networks: [aNetwork('app')], ...nothing }, settings);
  const [route] = clusters[0]!.routes;
  return { targets: route!.redirects.map(({ target }) => target), problems };
}

describe('a list of redirects', () => {
  it('keeps the valid entries, and reports each invalid one', () => {
    const { targets, problems } = stateOf(
      'http://app,https://app; nonsense ;http://a,http://new.example.org;http://b,ftp://c',
    );

    expect(targets).toEqual(['https://app', 'http://new.example.org']);
    expect(problems).toHaveLength(2);
    for (const problem of problems)
      expect(problem).toMatchObject({ severity: 'error', service: 'app', label: 'com.docker.lb.redirects' });
    expect(problems.map(({ reason }) => reason.split(', which')[0]).toSorted()).toEqual([
      'holds "http://b,ftp://c"',
      'holds "nonsense"',
    ]);
  });

  it('reports no more than 100 invalid entries', () => {
    const invalid = Array.from({ length: 200 }, (_, n) => `nonsense${n};`).join('');
    const { targets, problems } = stateOf(`${invalid}http://app,https://app`);

    expect(targets).toEqual(['https://app']);
    expect(problems).toHaveLength(100);
  });
});
