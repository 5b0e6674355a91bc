// Acceptance cases C1 and C2 of Interlock, and what it did not support: one host shared by path, and rewrites without
// its quirks.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { curl, demo, echo, InterlockStory, published } from '../support/interlock.ts';

const story = new InterlockStory();

/** A service below a path of the host. It answers with its own name as metadata. */
async function create(name: string, host: string, labels: Readonly<Record<string, string>>): Promise<void> {
  const written = Object.entries(labels).map(([key, value]) => `--label com.docker.lb.${key}=${value}`);
  await story.docker(`service create --name ${name} --network paths --env METADATA=${name}
    --label com.docker.lb.hosts=${host} --label com.docker.lb.port=8080 ${written.join(' ')} ${demo}`);
}

async function whoAnswers(host: string, path: string): Promise<string | undefined> {
  const answer = await curl(host, path);
  return answer.status === 200 ? /<title>(\S+)/.exec(answer.body)?.[1] : String(answer.status);
}

describe('context roots', () => {
  beforeAll(async () => {
    await story.docker('network create -d overlay paths');
    await create('paths-app', 'paths.local', { context_root: '/app', context_root_rewrite: 'true' });
    await create('paths-hello', 'paths.local', { context_root: '/hello/', context_root_rewrite: 'true' });
    await create('paths-deep', 'paths.local', { context_root: '/app/deep', context_root_rewrite: 'true' });
    await create('paths-kept', 'paths.local', { context_root: '/echo' });
    await create('paths-whole', 'whole.local', { context_root: '/' });
    await published(
      { host: 'paths.local', path: '/app/' },
      { host: 'paths.local', path: '/app/deep/' },
      { host: 'paths.local', path: '/hello/' },
      { host: 'paths.local', path: '/echo' },
      'whole.local',
    );
  });
  afterAll(() => story.close());

  it('C1, C2: answer /app/ and /hello/ with the root pages of the applications', async () => {
    const answer = await curl('paths.local', '/app/');

    expect(answer.headers['content-type']).toMatch(/^text\/html/);
    expect(await whoAnswers('paths.local', '/app/')).toBe('paths-app');
    expect(await whoAnswers('paths.local', '/hello/')).toBe('paths-hello');
  });

  it('share a host between services, the longest path first, by whole segments', async () => {
    expect(await whoAnswers('paths.local', '/app')).toBe('paths-app');
    expect(await whoAnswers('paths.local', '/app/deep')).toBe('paths-deep');
    expect(await whoAnswers('paths.local', '/app/deep/')).toBe('paths-deep');
    expect(await whoAnswers('paths.local', '/apple')).toBe('404');
    expect(await whoAnswers('paths.local', '/')).toBe('404');
  });

  it.each([
    ['/app/echo', '/echo'],
    ['/app/echo/x.y', '/echo/x.y'],
    ['/app/echo/a%20b%2Fc?q=1&r=%2F', '/echo/a%20b%2Fc?q=1&r=%2F'],
    ['/app/echo//twice', '/echo//twice'],
    ['/app/deep/echo/', '/echo/'],
    ['/echo/kept', '/echo/kept'],
  ])('pass %s to the application as %s, without a redirect', async (path, url) => {
    expect((await echo('paths.local', path)).url).toBe(url);
  });

  it('pass /app to the application as / and keep the query', async () => {
    const answer = await curl('paths.local', '/app?q=1');

    expect(answer.status).toBe(200);
    expect(answer.body).toContain('/?q=1');
  });

  it('may be /, for all of the host', async () => {
    expect(await whoAnswers('whole.local', '/')).toBe('paths-whole');
    expect((await echo('whole.local', '/any/echo')).url).toBe('/any/echo');
  });
});
