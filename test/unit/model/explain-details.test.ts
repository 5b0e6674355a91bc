// Explanations of requests with a method, headers and cookies.
import { describe, expect, it } from 'vitest';
import { buildDesiredState } from '../../../src/model/desired-state.ts';
import { readDetails, type WrittenDetails } from '../../../src/model/explain/details.ts';
import { explainUrl } from '../../../src/model/explain.ts';
import { parseSettings } from '../../../src/model/settings/settings.ts';
import type { SwarmService } from '../../../src/model/snapshot.ts';
import { aNetwork, aService } from '../../support/builders.ts';
import { placeOf, serviceName, servicesOf, tables } from '../../support/match-tables.ts';

const { settings } = parseSettings({}, '1');

function explainer(services: readonly SwarmService[]) {
  const nothing = { nodes: [], hostTasks: [], configs: [], secrets: [], owned: [] };
  const { clusters } = buildDesiredState({ services, networks: [aNetwork('app')], ...nothing }, settings);
  const { table } = clusters[0]!;
  return (url: string, written: WrittenDetails) => {
    const details = readDetails(url, written);
    if (typeof details === 'string') throw new Error(details);
    return explainUrl(table, url, { httpsPort: 443, details })!;
  };
}

// The nginx tests have the same tables.
describe.each(Object.entries(tables))('Requests of %s', (_name, table) => {
  const explain = explainer(servicesOf(table));

  it.each(table.rows.map((row) => [row] as const))('%j', ([service, method, target, ...headers]) => {
    const { host, path } = placeOf(table, target);
    const { answer } = explain(`http://${host}${path}`, { method, headers });
    const reached = answer.kind === 'service' ? answer.route.services[0] : answer.kind;

    expect(reached).toBe(service === 404 ? 'no-path' : serviceName(table, String(service)));
  });
});

describe('Conditions', () => {
  const at = (name: string, match: string) => aService(name, { host: 'app.example.org', lb: { match } });
  const explain = explainer([
    aService('plain', { host: 'app.example.org' }),
    at('small', 'header:X-To=small'),
    at('any', 'header:X-Any'),
    at('beta', 'cookie:beta=Yes'),
    at('cookie', 'cookie:c'),
    at('posts', 'method:POST|PUT'),
    at('query', 'query:v=a b&c'),
  ]);

  it.each<[service: string, written: WrittenDetails, target?: string]>([
    ['plain', {}],
    ['plain', { method: '' }],
    ['plain', { method: 'HEAD' }],
    ['posts', { method: 'POST' }],
    ['posts', { method: 'put' }],
    ['small', { headers: ['x-tO:  small '] }],
    ['plain', { headers: ['X-To: Small'] }],
    ['plain', { headers: ['X-To: small', 'X-To: small'] }],
    ['any', { headers: ['X-Any: 0'] }],
    ['plain', { headers: ['X-Any:'] }],
    ['beta', { cookies: ['beta=Yes'] }],
    ['beta', { cookies: ['a=1', 'beta=Yes'] }],
    ['beta', { headers: ['Cookie: a=1;  beta=Yes ; x=2'] }],
    ['beta', { headers: ['Cookie: a=1'], cookies: ['beta=Yes'] }],
    ['plain', { cookies: ['beta=yes'] }],
    ['plain', { cookies: ['BETA=Yes'] }],
    ['plain', { cookies: ['alphabeta=Yes'] }],
    ['plain', { cookies: ['beta=No', 'beta=Yes'] }],
    ['cookie', { cookies: ['c='] }],
    ['query', {}, '/?v=a+b%26c'],
    ['query', {}, '/?x=1&%76=a%20b%26c&v=2'],
    ['plain', {}, '/?v=1&v=a%20b%26c'],
  ])('lead to %s: %j %s', (service, written, target = '/') => {
    const { answer } = explain(`http://app.example.org${target}`, written);

    expect(answer).toMatchObject({ kind: 'service', route: { services: [service] } });
  });

  it('are named if they decide, and if they do not hold', () => {
    const { because, passedOver } = explain('app.example.org', { method: 'POST', headers: ['X-To: other'] });

    expect(because.at(-1)).toBe('The request matches method:POST|PUT, at the context root /.');
    expect(passedOver.find(({ route }) => route.services[0] === 'small')?.reason).toBe(
      'It receives only requests with header:x-to=small.',
    );
  });
});

it.each([
  ['GET', 301],
  ['HEAD', 301],
  ['POST', 308],
])('A redirect to HTTPS answers %s with %d', (method, status) => {
  const explain = explainer([aService('app', { lb: { ssl_only: 'true' } })]);

  expect(explain('http://app.example.org/', { method }).answer).toMatchObject({ kind: 'redirect', status });
});

it('Long headers and cookies are read at once', () => {
  const spaces = ' '.repeat(100_000);
  const since = performance.now();
  readDetails('http://app.example.org/', { headers: [`X-A:${spaces}\0`] });
  explainer([aService('app', { lb: { match: 'cookie:a=1' } })])('http://app.example.org/', {
    cookies: [`a=${spaces}1`],
  });

  expect(performance.now() - since).toBeLessThan(1000);
});

it.each<[WrittenDetails, string, url?: string]>([
  [{ method: 'PO ST' }, 'PO ST is not a method such as POST.'],
  [{ headers: ['X-Beta'] }, 'X-Beta is not a header such as X-Beta: yes.'],
  [{ headers: ['X Beta: yes'] }, 'X Beta: yes is not a header such as X-Beta: yes.'],
  [{ headers: ['X-Beta: a\r\nX-Other: b'] }, 'X-Beta: a\r\nX-Other: b is not a header such as X-Beta: yes.'],
  [{ headers: ['Host: other.example.org'] }, 'The host is part of the URL: remove the header Host.'],
  [{ cookies: ['group'] }, 'group is not a cookie such as group=b.'],
  [{ cookies: ['a=1; b=2'] }, 'a=1; b=2 is not a cookie such as group=b.'],
  [{ method: 'POST' }, 'A TCP or UDP connection has no method, headers or cookies.', 'tcp://db:5432'],
])('%j is rejected: %s', (written, fault, url = 'http://app.example.org/') => {
  expect(readDetails(url, written)).toBe(fault);
});
