// Label `paths`, in the real nginx: which service receives which path. The explanation is the model.
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildDesiredState } from '../../src/model/desired-state.ts';
import { explainUrl } from '../../src/model/explain.ts';
import { resolveSegments } from '../../src/model/path.ts';
import { parseSettings } from '../../src/model/settings/settings.ts';
import type { SwarmService } from '../../src/model/snapshot.ts';
import { aNetwork, aService } from '../support/builders.ts';
import type { NginxContainer } from '../support/nginx-container.ts';
import { arrived, get, onePort, otherTask, startOddNginx } from '../support/odd-nginx.ts';

const host = 'paths.test';
let age = 0;

function at(name: string, lb: Readonly<Record<string, string>>, more: Partial<SwarmService> = {}): SwarmService {
  return aService(name, {
    host,
    createdAt: String(100 + age++),
    lb: { 'request_header.X-Service': name, ...lb },
    ...more,
  });
}

const idle = { mode: { kind: 'replicated', replicas: 0 } } as const;
const services = [
  at('root', { redirects: 'http://paths.test/moved,http://elsewhere.test/new', context_root: '/' }),
  at('prefix', { paths: '/app, /größe, /my%20app/x' }),
  at('exact', { paths: '=/health, =/app/only/, =/app, =/a%25b, =/moved/exact, =/.well-known/acme-challenge/x' }),
  at('expression', { paths: String.raw`~^/v\d+/[^/]+$, ~/app/.*\.php, ~/deep, ~/B{2,3}(?:/(x|y))?, ~/w.y` }),
  at('longer', { paths: String.raw`~/v\d{1,2}/users` }),
  at('deep', { paths: '/deep, /deep/er' }),
  at('deep-exact', { paths: '=/deep/er' }),
  at('closed', { paths: '/ok, =/not ok, ~(a|a)*' }),
  at('asleep', { paths: '=/asleep, ~/asleep/.+' }, idle),
  // Beside the same path without conditions.
  at('matched', { paths: String.raw`=/health, ~/v\d+/[^/]+, /app/m, ~/n.*`, match: 'header:X-To=matched' }),
  at('matched-later', { paths: '~/nest', match: 'query:later' }),
  at('nest', { paths: '/nest/x, =/nest/y, /nest/with%20space' }),
  at('heavy', { paths: '=/shared, ~/shared/[0-9]+', weight: '1' }),
  at('weightless', { paths: '=/shared, ~/shared/[0-9]+', weight: '0' }),
  at('put-before', { paths: String.raw`=/before, ~/before/.+\.js, /beforehand`, backend_path: '/v2' }),
  at('maintained', { paths: '=/maintained, ~/maintained/.*', maintenance: 'true' }),
  at('other', { paths: '=/health/other', port: otherTask }),
  aService('only', { host: 'only.test', lb: { paths: '=/, ~/x+', 'request_header.X-Service': 'only' } }),
  aService('canonical', { host: 'a.test,www.a.test', lb: { paths: '=/one', canonical_host: 'www.a.test' } }),
  aService('grouped', {
    labels: {
      'com.docker.lb.1.hosts': 'grouped.test',
      'com.docker.lb.1.port': onePort,
      'com.docker.lb.1.paths': '=/one',
      'com.docker.lb.1.request_header.X-Service': 'grouped',
    },
  }),
];

let nginx: NginxContainer;
beforeAll(async () => {
  nginx = await startOddNginx(services);
});
afterAll(() => nginx[Symbol.asyncDispose]());

const nothing = { nodes: [], hostTasks: [], configs: [], secrets: [], owned: [] };
const { settings } = parseSettings({}, '1');
const { table } = buildDesiredState({ services, networks: [aNetwork('app')], ...nothing }, settings).clusters[0]!;

function explained(target: string, of = host): string | number {
  const { answer } = explainUrl(table, `http://${of}${target}`, { httpsPort: 443 })!;
  if (answer.kind === 'service') return answer.route.services.join();
  const statuses = { redirect: 302, 'no-path': 404, unavailable: 503, maintenance: 503, 'bad-request': 400 } as const;
  return statuses[answer.kind as keyof typeof statuses] ?? answer.kind;
}

async function served(target: string, of = host, headers: readonly string[] = []): Promise<string | number> {
  const answer = await get(nginx, of, target, { headers });
  return answer.status === 200 ? String(arrived(answer).header('x-service')) : answer.status;
}

describe('a path', () => {
  it.each([
    ['/', 'root'],
    ['/app', 'exact'],
    ['/app/', 'prefix'],
    ['/apple', 'root'],
    ['/app/only', 'prefix'],
    ['/app/only/', 'exact'],
    ['//app/./x/../only/', 'exact'],
    ['/app/only/x', 'prefix'],
    ['/app/x.php', 'expression'],
    ['/app/x.php/', 'prefix'],
    ['/app/x%0A.php', 'expression'],
    ['/app/x.php%0A', 'prefix'],
    ['/gr%C3%B6%C3%9Fe/x', 'prefix'],
    ['/my%20app/x', 'prefix'],
    ['/health', 'exact'],
    ['/health?x', 'exact'],
    ['/%68ealth', 'exact'],
    ['/health/', 'root'],
    ['/healthz', 'root'],
    ['/HEALTH', 'root'],
    ['/health/other', 'other'],
    ['/a%25b', 'exact'],
    ['/ab', 'root'],
    ['/v1/users', 'longer'],
    ['/v123/users', 'expression'],
    ['/v1/x%2Fy', 'root'],
    ['/v1/x/y', 'root'],
    ['/x/v1/users', 'root'],
    ['/BBB/x', 'expression'],
    ['/BBBB/x', 'root'],
    ['/bb', 'root'],
    ['/w%C3%B6y', 'root'],
    ['/w%F6y', 'expression'],
    ['/deep', 'expression'],
    ['/deep/', 'deep'],
    ['/deep/er', 'deep-exact'],
    ['/deep/er/x', 'deep'],
    ['/ok', 503],
    ['/not%20ok', 'root'],
    ['/asleep', 503],
    ['/asleep/x', 503],
    ['/asleep/', 'root'],
    ['/moved/x', 302],
    ['/moved/exact', 'exact'],
    ['/.well-known/acme-challenge/x', 'exact'],
    ['/shared', 'heavy'],
    ['/shared/12', 'heavy'],
    ['/maintained', 503],
    ['/maintained/x', 503],
  ])('%s is served by %s', async (target, expected) => {
    expect(await served(target)).toBe(expected);
    // Invalid UTF-8 has no text.
    if (target !== '/w%F6y') expect(explained(target)).toBe(expected);
  });

  it.each([
    ['/', 'only'],
    ['/xxx', 'only'],
    ['/y', 404],
    ['/x/', 404],
  ])('%s is served by %s if there are no prefixes', async (target, expected) => {
    expect(await served(target, 'only.test')).toBe(expected);
    expect(explained(target, 'only.test')).toBe(expected);
  });

  it('cannot leave the public part by a segment that applications treat as `..`', async () => {
    expect(await served('/app/..;/x.php')).toBe(400);
    expect(await served('/before/..;/x.js')).toBe(400);
  });

  it('works in numbered groups and with a canonical host', async () => {
    expect(await served('/one', 'grouped.test')).toBe('grouped');
    expect(await served('/', 'grouped.test')).toBe(404);
    expect(await served('/one', 'a.test')).toBe(308);
  });
});

describe('conditions', () => {
  const to = ['X-To: matched'];

  it.each([
    ['/health', to, 'matched'],
    ['/health', [], 'exact'],
    ['/v1/x', to, 'matched'],
    ['/v1/x', [], 'expression'],
    ['/v1/users', to, 'longer'],
    ['/app/m', to, 'matched'],
    ['/app/m', [], 'prefix'],
    ['/app/m/x.php', to, 'expression'],
    // The longer expression is first, and its conditions do not hold.
    ['/nest', to, 'matched'],
    ['/nest?later', [], 'matched-later'],
    ['/nest/x', to, 'matched'],
    // An expression whose conditions do not hold: the next expression, or else the longest prefix.
    ['/nest/x', [], 'nest'],
    ['/nest/y', to, 'nest'],
    ['/nest/y/z', [], 'root'],
    ['/nest/with%20space/x', [], 'nest'],
    ['/nest', [], 'root'],
    ['/nothing', to, 'matched'],
    ['/nothing', [], 'root'],
  ])('%s with %j leads to %s', async (target, headers, expected) => {
    expect(await served(target, host, headers)).toBe(expected);
  });
});

describe('backend_path', () => {
  it.each([
    ['/before', '/v2/before'],
    ['/before?x', '/v2/before?x'],
    ['/before/a%2Fb.js', '/v2/before/a%2Fb.js'],
    ['/beforehand/x%20', '/v2/beforehand/x%20'],
  ])('of %s makes %s', async (target, url) => {
    expect(arrived(await get(nginx, host, target)).url).toBe(url);
  });
});

describe('any path', () => {
  const segment = fc.constantFrom(
    ...['app', 'only', 'x.php', '.', '..', '', 'v1', 'v22', 'users', 'deep', 'er', 'health', 'BB', 'x', 'wäy', '%61pp'],
    ...['%2e%2e', '%2E', 'a%25b', '%0a', '%2f', 'gr%C3%B6%C3%9Fe', 'my%20app', 'nest', 'shared', '7', 'moved', 'n%2Fx'],
  );
  const target = fc.array(segment, { minLength: 1, maxLength: 5 }).map((parts) => `/${parts.join('/')}`);

  /** Clients of the explanation, such as browsers, resolve such paths. */
  function staysBelowRoot(path: string): boolean {
    let depth = 0;
    return path.split(/\/|%2f/).every((part) => {
      if (/^(?:\.|%2e){2}$/i.test(part)) depth--;
      else if (!/^(?:\.|%2e)?$/i.test(part)) depth++;
      return depth >= 0;
    });
  }

  /** They also resolve `..` before slashes are merged: after `/app//..` they are still in `/app`. */
  function isResolvedAlike(sent: string): boolean {
    const resolved = (path: string) => resolveSegments(decodeURIComponent(path));
    return resolved(new URL(`http://${host}${sent}`).pathname) === resolved(sent);
  }

  it('is served as the explanation says', async () => {
    await fc.assert(
      fc.asyncProperty(target, async (written) => {
        fc.pre(staysBelowRoot(written));
        const sent = encodeURI(written).replaceAll('%25', '%');
        fc.pre(isResolvedAlike(sent));
        expect([sent, await served(sent)]).toEqual([sent, explained(sent)]);
      }),
      { numRuns: 400 },
    );
  });
});
