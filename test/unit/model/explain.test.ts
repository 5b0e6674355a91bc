import { describe, expect, it } from 'vitest';
import { buildDesiredState } from '../../../src/model/desired-state.ts';
import { explainUrl } from '../../../src/model/explain.ts';
import { parseSettings } from '../../../src/model/settings/settings.ts';
import type { SwarmService } from '../../../src/model/snapshot.ts';
import { aNetwork, aService } from '../../support/builders.ts';

const { settings } = parseSettings({}, '1');

function explainer(...services: readonly SwarmService[]) {
  const secrets = ['pair'].map((name) => ({ id: name, name, createdAt: '', labels: {} }));
  const nothing = { nodes: [], hostTasks: [], configs: [], secrets, owned: [] };
  const snapshot = { services, networks: [aNetwork('app')], ...nothing };
  const { table } = buildDesiredState(snapshot, settings).clusters[0]!;
  return (url: string) => explainUrl(table, url, { httpsPort: 8443 })!;
}

const at = (name: string, path: string, lb = {}) =>
  aService(name, { host: 'app.example.org', lb: { context_root: path, ...lb } });
const fallback = (name: string, lb = {}) => aService(name, { host: '', lb: { default_backend: 'true', ...lb } });

describe('the host', () => {
  const explain = explainer(
    aService('exact', { host: 'www.example.org' }),
    aService('long', { host: '*.shop.example.org' }),
    aService('short', { host: '*.example.org' }),
    aService('expression', { host: String.raw`~^w+\.example\.org$` }),
    fallback('default'),
  );
  const owner = (url: string) => {
    const { answer } = explain(url);
    return answer.kind === 'service' ? answer.route.services[0] : answer.kind;
  };

  it.each([
    ['http://www.example.org/', 'exact'],
    ['http://WWW.Example.ORG.:8080/x?y', 'exact'],
    ['www.example.org/without-scheme', 'exact'],
    ['http://a.shop.example.org/', 'long'],
    ['http://a.b.shop.example.org/', 'long'],
    ['http://shop.example.org/', 'short'],
    ['http://ww.example.org/', 'short'],
    ['http://example.org/', 'default'],
    ['http://192.0.2.1/', 'default'],
  ])('%s is for %s', (url, service) => {
    expect(owner(url)).toBe(service);
  });

  it('has other matching hosts, listed with the precedence', () => {
    const { because, passedOver } = explain('http://www.example.org/');

    expect(because[0]).toBe('The host www.example.org matches the exact name www.example.org.');
    expect(passedOver).toEqual([
      {
        route: { host: '*.example.org', path: '/', services: ['short'] },
        reason: expect.stringContaining('takes precedence'),
      },
      {
        route: { host: String.raw`w+\.example\.org`, path: '/', services: ['expression'] },
        reason: expect.any(String),
      },
      { route: { host: '*', path: '/', services: ['default'] }, reason: expect.stringContaining('default backend') },
    ]);
  });

  it('comes with a suggestion if it is a near miss', () => {
    expect(explainer(aService('web'))('http://wbe.example.org/')).toEqual({
      url: 'http://wbe.example.org/',
      answer: { kind: 'no-host' },
      because: [
        'No service matches the host wbe.example.org. Did you mean web.example.org?',
        'There is no default backend.',
      ],
      passedOver: [],
      effects: [],
      fromSettings: [],
    });
  });
});

describe('the path', () => {
  const explain = explainer(at('root', '/'), at('app', '/app'), at('deep', '/app/v2'));
  const owner = (path: string) => {
    const { answer } = explain(`http://app.example.org${path}`);
    return answer.kind === 'service' ? answer.route.services[0] : answer.kind;
  };

  it.each([
    ['/', 'root'],
    ['/app', 'app'],
    ['/app?x', 'app'],
    ['/app/', 'app'],
    ['/apple', 'root'],
    ['/APP', 'root'],
    ['/app/v2', 'deep'],
    ['/app/v2/x', 'deep'],
    ['/app/v22', 'app'],
    ['//app//v2', 'deep'],
    ['/%61pp/x', 'app'],
    ['/app%2fv2', 'deep'],
    ['/app/v2/..', 'app'],
    ['/x/..%2fapp/', 'app'],
    ['/..%2fapp', 'bad-request'],
  ])('%s is for %s', (path, service) => {
    expect(owner(path)).toBe(service);
  });

  it.each([
    ['/gr%C3%B6%C3%9Fe', 'size'],
    ['/gr%c3%b6%c3%9fe/x', 'size'],
    ['/größe', 'size'],
    ['/gr%F6%DFe', 'no-path'],
    ['/my%20app/x', 'space'],
    ['/my+app', 'no-path'],
    ['/a%3Fb', 'question'],
    ['/a?b', 'no-path'],
    ['/$a', 'dollar'],
    ['/%24a', 'dollar'],
  ])('%s is for the context root of %s', (path, service) => {
    const roots = [at('size', '/gr%C3%B6ße'), at('space', '/my%20app'), at('question', '/a%3fb'), at('dollar', '/$a')];
    const { answer } = explainer(...roots)(`http://app.example.org${path}`);

    expect(answer.kind === 'service' ? answer.route.services[0] : answer.kind).toBe(service);
  });

  it('is shown with a readable context root', () => {
    expect(explainer(at('app', '/gr%C3%B6%C3%9Fe'))('http://app.example.org/gr%C3%B6%C3%9Fe/')).toMatchObject({
      answer: { route: { path: '/größe' } },
    });
  });

  it('shows why other routes do not answer', () => {
    expect(explain('http://app.example.org/app/x')).toMatchObject({
      answer: { kind: 'service', route: { host: 'app.example.org', path: '/app', services: ['app'] } },
      because: [
        'The host app.example.org matches the exact name app.example.org.',
        'The path /app/x matches the context root /app, the longest that matches.',
      ],
      passedOver: [
        { route: { services: ['deep'] }, reason: 'The path /app/x does not match /app/v2.' },
        { route: { services: ['root'] }, reason: 'Its path matches too, but a longer context root takes precedence.' },
      ],
    });
  });

  it('is a 404 if the host has other paths', () => {
    expect(explainer(at('app', '/app'))('http://app.example.org/other')).toMatchObject({
      answer: { kind: 'no-path' },
      because: [expect.any(String), 'No context root of app.example.org matches.'],
      passedOver: [{ route: { services: ['app'] } }],
    });
  });
});

describe('the request to the service', () => {
  const forwarded = (path: string, lb = {}) => {
    const { answer } = explainer(at('app', '/app', { context_root_rewrite: 'true', ...lb }))(
      `http://app.example.org${path}`,
    );
    return answer.kind === 'service' ? answer.requestUri : answer.kind;
  };

  it.each([
    ['/app', '/'],
    ['/app?x=1', '/?x=1'],
    ['/app/', '/'],
    ['/app/a%20b?x=/app', '/a%20b?x=/app'],
    ['/%61pp/x', '/x'],
    ['/app/v%c3%bc', '/v%c3%bc'],
  ])('has the path %s as %s behind a removed context root', (path, uri) => {
    expect(forwarded(path)).toBe(uri);
  });

  it('has the rest of the path after a context root with encoded characters', () => {
    const explain = explainer(at('app', '/größe', { context_root_rewrite: 'true' }));

    expect(explain('http://app.example.org/gr%C3%B6%C3%9Fe/%C3%BC?q=%C3%BC')).toMatchObject({
      answer: { requestUri: '/%C3%BC?q=%C3%BC' },
    });
  });

  it('has the complete path if nothing is removed', () => {
    expect(forwarded('/app/x', { context_root_rewrite: 'false' })).toBe('/app/x');
    expect(forwarded('/app/x', { backend_protocol: 'grpc' })).toBe('/app/x');
  });
});

describe('other answers', () => {
  const answer = (url: string, ...services: readonly SwarmService[]) => explainer(...services)(url).answer;

  it('redirect the host, whatever the path', () => {
    const lb = { context_root: '/app', redirects: 'http://old.example.org,http://new.example.org' };
    const service = aService('app', { host: 'old.example.org,new.example.org', lb });

    expect(answer('http://old.example.org/x?y=1', service)).toEqual({
      kind: 'redirect',
      status: 302,
      location: 'http://new.example.org/x?y=1',
    });
    expect(answer('http://new.example.org/app', service)).toMatchObject({ kind: 'service' });
  });

  it('redirect to HTTPS with the public port', () => {
    expect(answer('http://app.example.org/x', at('app', '/', { ssl_only: 'true' }))).toEqual({
      kind: 'redirect',
      status: 301,
      location: 'https://app.example.org:8443/x',
    });
  });

  it('are unavailable without a task', () => {
    const none = aService('app', { mode: { kind: 'replicated', replicas: 0 } });

    expect(answer('http://app.example.org/', none)).toMatchObject({
      kind: 'unavailable',
      route: { services: ['app'] },
    });
  });

  it('name the services that share the host', () => {
    const { because } = explainer(
      aService('a', { host: 'x.example.org' }),
      aService('b', { host: 'x.example.org' }),
    )('http://x.example.org/');

    expect(because).toContain('Its services share the requests in proportion to their tasks.');
  });

  it.each(['', 'ftp://app.example.org/', 'http://', 'http://a b/'])('reject %j as a URL', (text) => {
    expect(explainer(aService('app'))(text)).toBeUndefined();
  });
});

describe('over TLS', () => {
  const secured = { ssl_cert: 'pair' };
  const passed = { ssl_passthrough: 'true' };
  const explain = explainer(
    aService('web', { host: 'web.example.org', lb: { ...secured, ssl_only: 'true' } }),
    aService('moved', {
      host: 'old.example.org,new.example.org',
      lb: { ...secured, redirects: 'https://old.example.org,https://new.example.org' },
    }),
    aService('own', { host: 'own.example.org,*.own.example.org', lb: passed }),
    aService('plain', { host: 'plain.own.example.org' }),
    aService('wrong', { host: 'wrong.example.org', lb: { ssl_cert: 'missing' } }),
    aService('wild', { host: '*.wild.example.org', lb: secured }),
    aService('tame', { host: 'tame.wild.example.org' }),
  );

  it.each([
    ['https://web.example.org/x', { kind: 'service', route: { services: ['web'] }, requestUri: '/x' }],
    ['https://old.example.org/x', { kind: 'redirect', status: 302, location: 'https://new.example.org/x' }],
    ['https://own.example.org/x', { kind: 'service', route: { services: ['own'] }, requestUri: '/x' }],
    ['https://a.own.example.org/x', { kind: 'service', route: { services: ['own'] } }],
    ['https://plain.own.example.org/', { kind: 'no-certificate' }],
    ['https://wrong.example.org/', { kind: 'no-certificate' }],
    ['https://a.wild.example.org/', { kind: 'service', route: { services: ['wild'] } }],
    // With TLS nginx matches the wildcard only.
    ['https://tame.wild.example.org/', { kind: 'service', route: { services: ['wild'] } }],
    ['https://nobody.example.net/', { kind: 'no-certificate' }],
  ])('%s', (url, answer) => {
    expect(explain(url).answer).toMatchObject(answer);
  });

  it('reports that a host has no certificate, or that the service terminates TLS', () => {
    expect(explain('https://plain.own.example.org/').because).toContain(
      'The host plain.own.example.org matches the exact name plain.own.example.org, which has no certificate.',
    );
    expect(explain('https://own.example.org/').because).toContain(
      'The service terminates TLS: the proxy passes connections through.',
    );
  });

  it('is passed through to a default backend that terminates it, for unknown hosts only', () => {
    const handed = explainer(fallback('rest', passed), aService('plain', { host: 'plain.example.org' }));
    expect(handed('https://unknown.example.org/').answer).toMatchObject({
      kind: 'service',
      route: { services: ['rest'] },
    });
    expect(handed('https://plain.example.org/').answer).toEqual({ kind: 'no-certificate' });
  });
});
